"""Transfer layers (ScissionLite): a feature map made small at a cut before it is sent, and whole again behind it."""

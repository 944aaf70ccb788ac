"""Networks in fewer bits: half precision and eight-bit integers, judged in the engine that ships them."""

"""The Celery envelope. `working` is what runs and the desk need, Django with all its apps; `answering` does without them."""

"""Object detectors on video, chosen at run time: boxes, accuracy in real time, who decides what runs. NumPy alone, no torch."""

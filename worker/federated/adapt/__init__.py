"""FedAdapt's controller: which share of a network each group of devices trains itself, learned by trying; and its rivals."""

UNFOLD = {}

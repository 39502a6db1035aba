"""What an answer is held against: queries, filters, checks and shapes, and the judgement they come to."""

"""HTML: what a notebook shows of an object, and the page of a run; made of plain values by templates."""

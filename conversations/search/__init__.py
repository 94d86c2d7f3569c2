"""Search over what was said, through an index that holds no word in clear (docs/adr/0090)."""

from conversations.reading.listing import Filters
from conversations.search.finding import Found, Hit, Passage, find
from conversations.search.index import catch_up, forget, index_title
from conversations.search.terms import Segment

__all__ = ["Filters", "Found", "Hit", "Passage", "Segment", "catch_up", "find", "forget", "index_title"]

"""Files as released versions wrote them, a folder each, that every later version must open; and what stands in them.

`python -m tests.written` adds the folder of this version; it is never written again once the version is released.
"""

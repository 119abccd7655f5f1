"""Files to be ingested, made by hand where no library makes them, or makes them wrong on purpose."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence

CATALOG = b"<</Type/Catalog/Pages 2 0 R>>"
FONT = b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>"
W = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'


def pdf(objects: Sequence[bytes], trailer: bytes = b"") -> bytes:
    """A PDF file of these objects, numbered from 1; the first is its catalog."""
    out = b"%PDF-1.4\n"
    offsets = []
    for number, content in enumerate(objects, 1):
        offsets.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    table = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    size = len(objects) + 1
    head = b"xref\n0 %d\n0000000000 65535 f \n%s" % (size, table)
    return out + head + b"trailer<</Size %d/Root 1 0 R%s>>\nstartxref\n%d\n%%%%EOF" % (size, trailer, len(out))


def stream(content: bytes, attributes: bytes = b"") -> bytes:
    """A stream object."""
    return b"<</Length %d%s>>stream\n%s\nendstream" % (len(content), attributes, content)


def pdf_pages(*pages: Sequence[str], title: str = "") -> bytes:
    """A PDF file whose pages have these lines; an empty line leaves room, as before a new paragraph."""
    kids = b" ".join(b"%d 0 R" % (4 + 2 * number) for number in range(len(pages)))
    objects = [CATALOG, b"<</Type/Pages/Kids[%s]/Count %d>>" % (kids, len(pages)), FONT]
    for number, lines in enumerate(pages):
        shown = b" ".join(b"(%s) Tj 0 -14 Td" % text.encode("latin-1") for text in lines)
        objects.append(
            b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 600 800]/Contents %d 0 R/Resources<</Font<</F1 3 0 R>>>>>>"
            % (5 + 2 * number)
        )
        objects.append(stream(b"BT /F1 12 Tf 20 700 Td %s ET" % shown))
    trailer = b"/Info<</Title(%s)>>" % title.encode("latin-1") if title else b""
    return pdf(objects, trailer)


def word_body(body: str, before: str = "") -> bytes:
    """A Word file whose body is this XML, with ``before`` standing ahead of its root; its styles are python-docx's."""
    import docx

    blank = io.BytesIO()
    docx.Document().save(blank)
    out = io.BytesIO()
    with zipfile.ZipFile(blank) as made, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as wanted:
        for name in made.namelist():
            xml = f"{before}<w:document {W}><w:body>{body}</w:body></w:document>".encode()
            wanted.writestr(name, xml if name == "word/document.xml" else made.read(name))
    return out.getvalue()

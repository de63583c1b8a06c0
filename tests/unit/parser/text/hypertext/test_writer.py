"""HTML as text: one row for each habit of mail programs and newsletters."""

from __future__ import annotations

import pytest

from services.parser.text.markup import clean_html, html_to_text

IMAGES = {"shot@example.org": "shot.png", "two words@example.org": "two.png"}


@pytest.mark.parametrize(
    ("source", "text"),
    [
        # Paragraphs, lines and empty lines.
        ("<h1>Hello</h1>all<hr>more", "Hello\n\nall\n\nmore"),
        ("<div>a</div><div><br></div><div>b<br></div><div>c</div>", "a\n\nb\nc"),
        ("<p>a</p><p>&nbsp;</p><p>&nbsp;</p><p>b</p>", "a\n\nb"),
        ("a <b> b</b> c\n <i>d</i> e", "a b c d e"),
        ("a&nbsp;&nbsp;b", "a  b"),
        # A paragraph without its end, and one that a block ends.
        ("<p>a<p>b<div>c</div>d", "a\n\nb\n\nc\nd"),
        # The characters that fill a preview.
        ("<p>Sale&nbsp;&zwnj;&#847;&nbsp;&zwnj;&#847;</p><p>b</p>", "Sale\n\nb"),
        ("<pre>a  b\n  c\t d  \n\n\ne</pre>f", "a  b\n  c\t d\n\ne\n\nf"),
        ('<div style="white-space: pre-wrap">a  b\n c</div>', "a  b\n c"),
        ('a<span style="display:none">b<p>c</p></span>d', "ad"),
        # Words of a style in other attributes.
        ('a <span title="display: none">b</span>', "a b"),
        ('<a href="https://a.example/display:none">b</a>', "b <https://a.example/display:none>"),
        ('a <s title="line-through" style="display: inline">b</s>', "a ~~b~~"),
        # Settings of Office, and other XML.
        ("a<xml>\n <w:WordDocument><w:View>Normal</w:View></w:WordDocument></xml>b", "ab"),
        ("a <xml> for data</p><p>b</p></xml><p>c", "a for data\n\nb\n\nc"),
        # Blocks and boxes by their style; boxes by their name.
        ('<span style="display:block">a</span><b style="display: table">b</b>c', "a\nb\nc"),
        ('<a href="https://a.example" style="display:block">a</a>b', "a <https://a.example>\nb"),
        ('<s style="color:red;display:block;color:red">a</s>b', "~~a~~\nb"),
        ('<i style="display:inline-block">a</i><i style="display:inline-block">b</i>.', "a b."),
        ('a<i style="display:table-cell">b</i>c<i style="display:inline">d</i>', "a b cd"),
        ("<label>a</label><input><label>b</label><button>c</button><button>d</button>", "a b c d"),
        ("<textarea>a\nb</textarea><select><option>c</select>", "a\nb\nc"),
        ('a<img src="s.gif" width=20>b<img src="s.gif">.', "a b."),
        ('a<img src="https://a.example/s.gif" style="display:block">b', "a\nb"),
        ('a<img alt="Hidden" src="https://a.example/s.gif" style="display:none">', "a"),
        ("a <q>b c</q>, d", "a \u201cb c\u201d, d"),
        # Control characters, which may count as white space.
        ("a\x0bb \x1c c\x1f\r\n<pre>\x1fd\x01e\x0b\r\n\x0bf\x85</pre>\x7f", "a b c\n\n d e\n f"),
        # Lists.
        ("<ul><li>a<li>b<br>c<ul><li>d</ul><li></li></ul>e", "* a\n* b\n  c\n  * d\n\ne"),
        ("<ol start=9><li>a<li><p>b</p><li value=3>c</ol>", "9. a\n\n10. b\n\n3. c"),
        ("<li>a", "* a"),
        (
            "<p><![if !supportLists]><span style='mso-list:Ignore'>1.<span style='font:7pt'>"
            "&nbsp;&nbsp;&nbsp; </span></span><![endif]>a</p>",
            "1. a",
        ),
        # Struck text, in lines of its own or not.
        ("a <s>b c</s> d", "a ~~b c~~ d"),
        ("<del>a</del><strike> b</strike>", "~~a b~~"),
        ("<p><s>a<br>b</s></p>", "~~a~~\n~~b~~"),
        ('<span style="color:red;text-decoration:line-through">a</span>!', "~~a~~!"),
        ("<s> </s>a", "a"),
    ],
)  # fmt: skip
def test_the_text_reads_like_the_html(source: str, text: str) -> None:
    assert html_to_text(source) == text


@pytest.mark.parametrize(
    ("source", "text"),
    [
        # A layout: its columns follow each other, without padding.
        ("<table><tr><td><p>a</p><p>longer</p><td>b<br>c</table>", "a\n\nlonger\n\nb\nc"),
        ("<table><tr><td width=10>&nbsp;<td>a<tr><td><td>b</table>", "a\nb"),
        # Data.
        ("<table><tr><th>A<th>B<tr><td>1<td>2</table>x", "A | B\n1 | 2\n\nx"),
        ("<table><tr><td>1<td><td>3<tr><td>1<td>2<td></table>", "1 | | 3\n1 | 2"),
        ("<table><tr><td colspan=2>Sum<td>9<tr><td>1<td>2<td>3</table>", "Sum | | 9\n1 | 2 | 3"),
        ("<table><tr><td>From:<td>Lea<tr><td>To:<td>us</table>", "From: Lea\nTo: us"),
        ("<table><caption>C</caption><tbody><tr><td>1<td>2</table>", "C\n1 | 2"),
        ("<table><tr><td>&nbsp;1&nbsp;<td>&nbsp;&nbsp;2</table>", "1 | 2"),
        # Prose in two columns.
        (f"<table><tr><td>{'a' * 200}<td>{'b' * 200}</table>", "a" * 200 + "\n" + "b" * 200),
        # Tables in tables, and text outside the cells.
        ("<table><tr><td>a<td><table><tr><td>b<td>c</table></table>", "a | b | c"),
        ("<table>a<tr><td>b</table>c", "a\nb\nc"),
        ("<table><form><tr><td>a<td>b</form></table>", "a | b"),
        ("<td>a<td>b</table>", "a\nb"),
        # A list around a table, and one within.
        ("<ul><li><table><tr><td>a<tr><td>b</table></ul>", "* a\n  b"),
        ("<table><tr><td><ul><li>a</ul></table>", "* a"),
    ],
)  # fmt: skip
def test_tables_are_readable_without_padding(source: str, text: str) -> None:
    assert html_to_text(source) == text


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ('See <a href="https://example.org/a?b=1&amp;c">this</a>.', "See this <https://example.org/a?b=1&c>."),
        ('<a href="https://a.example"><b>one</b></a><a href="https://a.example"> two</a>', "one two <https://a.example>"),
        ('<a href="https://a.example"><p>a</p><p>b</p></a>c', "a\n\nb <https://a.example>\n\nc"),
        ('<a href="https://a.example"><table><tr><td>a</table></a>b', "a <https://a.example>\nb"),
        ('<s><a href="https://a.example">a</a></s> b', "~~a <https://a.example>~~ b"),
        ('<a href="https://a.example">a&nbsp;</a>', "a <https://a.example>"),
        # A picture without a name; an anchor and an empty link, which show nothing.
        ('<a href="https://a.example"><img src="https://b.example/1"></a>', "<https://a.example>"),
        ('<a name="top">a</a><a href="https://a.example"></a>', "a"),
        # A link without its end.
        ('<a href="https://a.example">a <a href="https://b.example">b', "a <https://a.example> b <https://b.example>"),
    ],
)  # fmt: skip
def test_a_link_keeps_its_target(source: str, text: str) -> None:
    assert html_to_text(source) == text


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ('a<img src="cid:shot@example.org">b', "a[image: shot.png]b"),
        ('<img src="cid:shot@example.org" alt="Error 5">', "[image: Error 5 (shot.png)]"),
        ('<img src="CID:two%20words@example.org" alt="two.png">', "[image: two.png]"),
        # Outlook's ids contain the name; the file itself is missing.
        ('<img src="cid:image001.png@01DC4F.5A">', "[image: image001.png]"),
        ('<img src="cid:part1.abc@example.org">', "[image: part1.abc]"),
        ('<img src="cid:ii_18c2@mail">', "[image]"),
        ('<img src="data:image/png;base64,AAAA">', "[image]"),
        ('<img src="https://a.example/logo.gif" alt="Example  Ltd">', "[image: Example Ltd]"),
        # Emoji, a spacer and a tracking pixel.
        ('<img src="https://a.example/1" alt="\U0001f642">', "\U0001f642"),
        ('<img src="https://a.example/1" alt="-"><img src="https://a.example/2">', ""),
    ],
)
def test_an_image_leaves_its_name(source: str, text: str) -> None:
    assert html_to_text(source, IMAGES) == text


@pytest.mark.parametrize(
    "source",
    [
        "<p>a</p></body></html><p>b</p>",
        "<html><body>a</body></html>\n<html><head><title>t</title></head><body>b</body></html>",
        "<p>a<!-- b",
        "<p>a<title>b",
        "<style>a<p>b",
        "<p title='x>a</p><p>b",
        "a<!--[if !mso]><!--> b<!--<![endif]-->",
        "a<![if !mso]> b<![endif]>",
        "a<template> b</template>",
        "a<noscript> b</noscript>",
        "a<svg><text> b</text></svg>",
        "a <b c",
        "a <b",
        "<select><option>a<option>b</select>",
        "<plaintext>a <i>b",
        "<frameset>a<noframes> b</noframes></frameset>",
    ],
)
def test_nothing_is_lost_where_browsers_or_parsers_drop_it(source: str) -> None:
    text, cleaned = html_to_text(source), clean_html(source)
    for words in (text, cleaned):
        assert "a" in words
        assert "b" in words.replace("<b>", "")


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("<p>Ask Bo <bo.berg@shop.example> now</p>", "Ask Bo <bo.berg@shop.example> now"),
        ("<b>a</b><HTTPS://help.example/a?b=1&c=2>", "a<HTTPS://help.example/a?b=1&c=2>"),
        ("<i>a</i> <mailto:a+b@c.example>, <tel:+4930>", "a <mailto:a+b@c.example>, <tel:+4930>"),
        ("<p>Id: <CAF=a_1$b@mail.example></p>", "Id: <CAF=a_1$b@mail.example>"),
        ("<p><www.example.org></p>", "<www.example.org>"),
        # Tags and comments that contain an address.
        ("a<!--b@c.example-->d</x@y><font title=a@b>e", "ade"),
        ('<a/href="https://a.example/@b">a</a>b', "a <https://a.example/@b>b"),
        ("<https: a>b", "b"),
        # Text of XML.
        ("<p><![CDATA[ a & b ]]></p><![CDATA[<b>c</b>]]>", "a & b\n\nc"),
        ("<p>a <![CDATA[b", "a b"),
    ],
)
def test_what_only_looks_like_a_tag_is_text(source: str, text: str) -> None:
    assert html_to_text(source) == text
    assert html_to_text(clean_html(source)) == text


@pytest.mark.parametrize("opening", ["<div>", "<table><tr><td><span>", "<ul><li>", "<b><p>", "<a>"])
def test_no_depth_loses_a_word(opening: str) -> None:
    for depth in (100, 254, 255, 256, 3000):
        source = opening * depth + "inmost</div> <p>after</p>" + "</div>" * depth + "last"
        for words in (html_to_text(source), clean_html(source)):
            assert all(word in words for word in ("inmost", "after", "last")), depth

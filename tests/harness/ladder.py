# SPDX-License-Identifier: Apache-2.0
"""Call-flow pictures, as text or SVG, from the trace that `tandemd --trace FILE` writes.

The trace has one JSON object a line and a line a message:
  {"time": 1763690000.123456, "direction": "in", "transport": "udp", "src": "127.0.0.1:5070", "dst": "127.0.0.1:5060",
   "first_line": "INVITE sip:bob@example.test SIP/2.0", "call_id": "a84b4c76e66710", "cseq": "1 INVITE", "size": 923}
`time` is seconds since 1970; `direction` is as the server sees it; `size` is of the whole message in bytes; an IPv6
address stands in brackets. Lines that are no such object (the last one of a running server, say) are passed over.
"""
import dataclasses
import html
import json
import pathlib


@dataclasses.dataclass
class Arrow:
    time: float
    source: str
    target: str
    transport: str
    label: str
    call_id: str
    size: int
    is_response: bool


def _label(first_line, cseq):
    """`INVITE sip:bob@host` for a request, `180 Ringing (INVITE)` for a response."""
    words = first_line.split(" ", 2)
    if first_line.startswith("SIP/2.0 "):
        return f"{' '.join(words[1:])} ({cseq.split()[-1]})" if cseq else " ".join(words[1:])
    return " ".join(words[:2])


def read_trace(path, call_id=None):
    """The arrows of the trace, in order of time; of one call, when its Call-ID is given."""
    arrows = []
    for line in pathlib.Path(path).read_text(errors="replace").splitlines():
        try:
            one = json.loads(line)
            arrow = Arrow(float(one["time"]), one["src"], one["dst"], one["transport"],
                          _label(one["first_line"], one.get("cseq", "")), one.get("call_id", ""), int(one["size"]),
                          one["first_line"].startswith("SIP/2.0 "))
        except (ValueError, KeyError, TypeError):
            continue
        if call_id is None or arrow.call_id == call_id:
            arrows.append(arrow)
    return sorted(arrows, key=lambda a: a.time)


def call_ids(path):
    """The Call-IDs of a trace, in order of appearance, with the label of each one's first message."""
    seen = {}
    for arrow in read_trace(path):
        seen.setdefault(arrow.call_id, arrow.label)
    return seen


def _columns(arrows, names):
    """The parties from left to right: in order of appearance, each address by its name where it has one."""
    order = []
    for arrow in arrows:
        for address in (arrow.source, arrow.target):
            if address not in order:
                order.append(address)
    # A server stands between its callers and its callees: its own address is in every message.
    everywhere = [a for a in order if all(a in (x.source, x.target) for x in arrows)]
    if len(order) > 2 and everywhere:
        order.remove(everywhere[0])
        order.insert(1, everywhere[0])
    return order, [names.get(a, a) for a in order]


def text_ladder(path, call_id=None, names=None, width=34, last=None):
    """The call flow as lines of text; of its `last` messages only, when that is given."""
    arrows = read_trace(path, call_id)[-(last or 0):]
    if not arrows:
        return "(no messages)\n"
    order, titles = _columns(arrows, names or {})
    widest = max(len(a.label) for a in arrows) + 6
    width = max(width, *(len(t) + 2 for t in titles), min(widest, 60))
    at = [12 + width // 2 + width * n for n in range(len(order))]

    def canvas():
        line = [" "] * (at[-1] + width // 2 + 1)
        for column in at:
            line[column] = "|"
        return line

    head = [" "] * (at[-1] + width // 2 + 1)
    for column, title in zip(at, titles):
        start = column - len(title) // 2
        head[start:start + len(title)] = title
    lines = ["".join(head).rstrip()]
    for arrow in arrows:
        line = canvas()
        line[0:10] = f"{arrow.time - arrows[0].time:9.3f} "
        left, right = sorted((at[order.index(arrow.source)], at[order.index(arrow.target)]))
        if left == right:
            note = f" {arrow.label} (to itself)"
            line[left + 1:left + 1 + len(note)] = note
        else:
            line[left + 1:right] = "-" * (right - left - 1)
            forward = arrow.source == order[at.index(left)]
            line[right - 1 if forward else left + 1] = ">" if forward else "<"
            room = right - left - 5
            label = f" {arrow.label[:room - 2]} "
            start = (left + right) // 2 - len(label) // 2
            line[start:start + len(label)] = label
        lines.append("".join(line).rstrip())
    return "\n".join(lines) + "\n"


def svg_ladder(path, call_id=None, names=None, title=""):
    """The call flow as an SVG picture that reads on light and on dark pages."""
    arrows = read_trace(path, call_id)
    order, titles = _columns(arrows, names or {})
    lane, row, left, top = 270, 34, 90, 84
    width, height = left + lane * (len(order) - 1) + 150, top + row * len(arrows) + 40
    at = {address: left + 40 + lane * n for n, address in enumerate(order)}
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
           'font-family="ui-sans-serif, system-ui, sans-serif" font-size="13" role="img">',
           f"<title>{html.escape(title or 'SIP call flow')}</title>",
           f'<rect width="{width}" height="{height}" rx="8" fill="#ffffff" stroke="#d5dae1"/>',
           '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" '
           'orient="auto-start-reverse"><path d="M0 0 8 4 0 8z" fill="context-stroke"/></marker></defs>']
    if title:
        out.append(f'<text x="{width / 2}" y="24" text-anchor="middle" font-weight="600" fill="#1f2937">{html.escape(title)}</text>')
    for address, name in zip(order, titles):
        x = at[address]
        out.append(f'<line x1="{x}" y1="{top - 18}" x2="{x}" y2="{height - 20}" stroke="#c3cad4" stroke-width="1.5"/>')
        out.append(f'<rect x="{x - 75}" y="{top - 48}" width="150" height="30" rx="6" fill="#eef2f7" stroke="#c3cad4"/>')
        out.append(f'<text x="{x}" y="{top - 28}" text-anchor="middle" font-weight="600" fill="#1f2937">{html.escape(name)}</text>')
    for number, arrow in enumerate(arrows):
        y = top + row * (number + 0.7)
        x1, x2 = at[arrow.source], at[arrow.target]
        colour = "#64748b" if arrow.is_response else "#1d4ed8"
        if arrow.is_response and any(arrow.label.startswith(c) for c in "456"):
            colour = "#b91c1c"
        dash = ' stroke-dasharray="5 3"' if arrow.is_response else ""
        step = 4 if x2 > x1 else -4
        out.append(f'<line x1="{x1 + step}" y1="{y}" x2="{x2 - step}" y2="{y}" stroke="{colour}" stroke-width="1.6"{dash} '
                   'marker-end="url(#tip)"/>')
        label = arrow.label if len(arrow.label) <= 38 else arrow.label[:37] + "…"
        out.append(f'<text x="{(x1 + x2) / 2}" y="{y - 6}" text-anchor="middle" fill="#1f2937">{html.escape(label)}</text>')
        out.append(f'<text x="8" y="{y + 4}" font-size="11" fill="#64748b">{1000 * (arrow.time - arrows[0].time):.1f} ms</text>')
    return "\n".join(out + ["</svg>", ""])

"""What documents say that is made from the code: the capability matrix and the heart of the example ERP in both
READMEs, the channels' own remarks and options in docs/channels.md.

`python -m commands.readme` writes it between its markers; a test finds what was not.
"""

import ast
import sys
import textwrap
from pathlib import Path

from connectors import CHANNELS
from core.channel import Capability, Support

ERP = Path(__file__).parents[1] / "examples" / "demo_erp.py"
SHOWN = ("follow", "work")
"""The methods of the example that are its heart."""
READMES = {"README.md": "en", "README.zh-CN.md": "zh"}
REMARKS = "docs/channels.md"

_SIGN = {Support.NATIVE: "●", Support.EMULATED: "◐", Support.ABSENT: "–", Support.NOT_YET: "○"}
_LEGEND = {
    "en": "● native · ◐ emulated with several calls · ○ not built yet · – the platform cannot",
    "zh": "● 原生支持 · ◐ 多次调用实现 · ○ 尚未实现 · – 平台不支持",
}
_HEADING = {"en": "Capability", "zh": "能力"}
_CHINESE: dict[Capability, str] = {
    Capability.ORDERS: "订单增量拉取",
    Capability.ORDER: "订单详情",
    Capability.AFTER_SALES: "售后增量拉取",
    Capability.AFTER_SALE: "售后详情",
    Capability.LISTINGS: "商品列表",
    Capability.LISTING: "商品详情",
    Capability.STOCK_LEVELS: "读取库存",
    Capability.SET_STOCK: "设置库存",
    Capability.ADJUST_STOCK: "增减库存",
    Capability.SET_PRICE: "设置价格",
    Capability.SHIP: "发货",
    Capability.CHANGE_TRACKING: "修改运单号",
    Capability.MEMO: "卖家备注",
    Capability.CARRIERS: "快递公司列表",
    Capability.REFRESH: "刷新令牌",
    Capability.SUBSCRIBE: "订阅推送",
    Capability.SET_SHELF: "上下架",
    Capability.CONFIRM_ADDRESS: "确认改址",
    Capability.REVEAL: "解密收件信息",
    Capability.FIND_ORDERS: "按收件人查单",
    Capability.TRACE: "物流轨迹",
    Capability.SHIP_LINES: "按行拆包发货",
    Capability.ADJUST_ONCE: "增减库存幂等",
    Capability.PUSH: "消息推送",
}


def matrix(language: str) -> str:
    """The table with its legend, as Markdown."""
    channels = [adapter.channel for adapter in CHANNELS.values()]
    labels = [channel.label if language == "en" else channel.label_zh for channel in channels]
    lines = [f"| {_HEADING[language]} | {' | '.join(labels)} |", "|---|" + ":-:|" * len(labels)]
    for capability in Capability:
        name = _words(capability) if language == "en" else _CHINESE[capability]
        signs = " | ".join(_SIGN[channel.supports(capability)] for channel in channels)
        lines.append(f"| {name} | {signs} |")
    return "\n".join([*lines, "", _LEGEND[language]])


def remarks() -> str:
    """What each channel says of what it cannot do, or only in a way of its own, and what a shop may choose on it, as
    Markdown.
    """
    lines = []
    for adapter in CHANNELS.values():
        channel = adapter.channel
        lines += [f"## {channel.label} · {channel.label_zh}", ""]
        lines += [
            f"- {_SIGN[channel.supports(capability)]} **{_words(capability)}** · {_CHINESE[capability]}: {note}"
            for capability in Capability
            if (note := channel.notes.get(capability))
        ]
        if channel.options:
            lines += ["", "| `qudao shop add --option` | default | choices | |", "|---|---|---|---|"]
        for each in channel.options:
            choices = ", ".join(each.choices) or "any text"
            lines.append(f"| `{each.name}` | `{each.default}` | {choices} | {each.help} · {each.help_zh} |")
        lines.append("")
    return "\n".join(lines[:-1])


def _words(capability: Capability) -> str:
    return capability.value.replace("_", " ")


def heart() -> str:
    """The methods of the example ERP that a reader wants to see first, as a Markdown block."""
    source = ERP.read_text()
    (erp,) = (node for node in ast.parse(source).body if isinstance(node, ast.ClassDef))
    methods = {node.name: node for node in erp.body if isinstance(node, ast.FunctionDef)}
    texts = [textwrap.dedent(ast.get_source_segment(source, methods[name], padded=True) or "") for name in SHOWN]
    return "\n".join(["```python", "\n\n".join(texts), "```"])


def filled(name: str, text: str) -> str:
    """A document with everything that is made from the code as it is now."""
    made = {"remarks": remarks()} if name == REMARKS else {"capabilities": matrix(READMES[name]), "erp": heart()}
    for part, content in made.items():
        begin, end = f"<!-- {part} -->", f"<!-- /{part} -->"
        before, found, rest = text.partition(begin)
        _, closed, after = rest.partition(end)
        if not found or not closed:
            raise ValueError(f"no {begin} … {end} to fill")
        text = f"{before}{begin}\n{content}\n{end}{after}"
    return text


def main() -> None:
    """Rewrites the documents of the working folder."""
    for name in (*READMES, REMARKS):
        path = Path(name)
        path.write_text(filled(name, path.read_text()))
        sys.stdout.write(f"{name}\n")


if __name__ == "__main__":
    main()

"""The page at /docs works where no other host can be reached."""

import re

import httpx

REFERENCE = re.compile(r"""(?:src|href)=["']([^"']+)["']""")


def test_docs_references_no_foreign_host(anybody: httpx.Client) -> None:
    page = anybody.get("/docs")
    references = REFERENCE.findall(page.text)
    assert "docs/swagger-ui-bundle.js" in references
    assert not [each for each in references if "//" in each or each.startswith("/")]
    allowed = page.headers["content-security-policy"]
    assert "default-src 'none'" in allowed
    assert "script-src 'self';" in allowed
    assert "http" not in allowed


def test_what_docs_references_is_served(anybody: httpx.Client) -> None:
    references = [each for each in REFERENCE.findall(anybody.get("/docs").text) if not each.startswith("data:")]
    kinds = {each: anybody.get(f"/{each}").headers["content-type"].partition(";")[0] for each in references}
    assert kinds == {
        "docs/swagger-ui.css": "text/css",
        "openapi.json": "application/json",
        "docs/swagger-ui-bundle.js": "text/javascript",
        "docs/start.js": "text/javascript",
    }
    assert anybody.get("/docs/start.js").headers["x-content-type-options"] == "nosniff"


def test_docs_serves_nothing_else(anybody: httpx.Client) -> None:
    for name in ("README.md", "index.html", "..%2f..%2fapp.py", "nothing.js"):
        assert anybody.get(f"/docs/{name}").status_code == 404

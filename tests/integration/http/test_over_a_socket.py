"""What only a real server and a real connection show."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import httpx

from reconciler.settings import ApiSettings
from reconciler.surfaces.http.serving import serving
from tests.fakes.http import Api
from tests.fakes.service import FAILURE, FakeService
from tests.observing.processes import binary

SETTINGS = ApiSettings(port=0, test_endpoints=True)


@contextlib.asynccontextmanager
async def served(api: Api) -> AsyncIterator[str]:
    async with serving(api.app(), api.settings) as server:
        yield server.url


async def test_an_id_with_a_slash_is_explained() -> None:
    """The server gives the path as it was sent, beside the decoded one."""
    api = Api(settings=SETTINGS)
    async with served(api) as url, httpx.AsyncClient() as client:
        answer = await client.get(f"{url}/api/integrity/explain/a%2Fb%0A/B%2FC")

    assert answer.status_code == 200
    assert api.service.asked == [("a/b\n", "B/C")]


async def test_head_has_no_body() -> None:
    """Only the status and the headers are sent, and the connection can be used again."""
    api = Api(FakeService(FAILURE), settings=SETTINGS)
    async with served(api) as url, httpx.AsyncClient() as client:
        headed = await client.head(f"{url}/api/integrity/check")
        got = await client.get(f"{url}/api/integrity/check")

    assert (headed.status_code, headed.content) == (500, b"")
    assert headed.headers["content-length"] == got.headers["content-length"]


async def test_curl_works_as_it_is_written() -> None:
    """`curl -d` says that it sends a form, and is understood."""
    curl = str(binary("curl"))
    api = Api(settings=SETTINGS)
    async with served(api) as url:
        arguments = ["-sS", "-X", "POST", f"{url}/api/test/credit", "-d"]
        body = '{"user_id": "u", "currency": "BTC", "amount": 0.001}'
        process = await asyncio.create_subprocess_exec(
            curl, *arguments, body, stdout=asyncio.subprocess.PIPE
        )
        async with asyncio.timeout(30):
            output, _ = await process.communicate()

    assert output == b'{"Success": true, "Total USD": 179.46, "BTC": 0.001, "ETH": 0.05}\n'

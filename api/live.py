"""The live stream alone, on `STREAM_PORT`: long connections cannot crowd out short requests. `uvicorn api.live:app`."""

from api import stream
from api.main import create_app

STREAMS_MAX = 20_000

app = create_app(nouns=(stream.router,), streams_max=STREAMS_MAX)

import pytest


@pytest.fixture(scope="session", autouse=True)
def own_cache(tmp_path_factory):
    """Objects of the firmware are compiled once a session, and nothing is left in the user's folder."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TINYNAS_CACHE", str(tmp_path_factory.mktemp("cache")))
        patch.setenv("TINYNAS_STATE", str(tmp_path_factory.mktemp("state")))
        yield

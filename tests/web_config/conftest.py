"""Fixtures of the tests of the web configuration file."""

import pytest

from tests.support.certificates import Certificates, make_certificates


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    """Make certificates for servers and clients once."""
    return make_certificates(tmp_path_factory.mktemp("certificates"))

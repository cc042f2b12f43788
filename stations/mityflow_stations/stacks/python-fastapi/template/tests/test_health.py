from fastapi.testclient import TestClient

from {{ app_name_snake }} import __version__


def test_health_answers_ok_and_the_version(client: TestClient) -> None:
    response = client.get("{{ health_path }}")

    assert response.status_code == 200
    assert response.json() == {"status": "ok", "version": __version__}

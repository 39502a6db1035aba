"""The 5-step journey as a bare loop around one httpx.Client, with the same checks: `httpx_loop.py ADDRESS TIMES`."""

import sys

import httpx

PRICE, PURSE = 250, 100_000


def play(client: httpx.Client) -> None:
    session = client.post("/sessions", json={"user": "ada", "password": "lovelace"})
    assert session.status_code == 201
    assert session.json()["token_type"] == "Bearer"
    headers = {"Authorization": f"Bearer {session.json()['token']}"}

    opening = {"owner": "Ada", "opening_balance_cents": PURSE}
    opened = client.post("/accounts", json=opening, headers=headers)
    account = opened.json()
    assert (opened.status_code, account["state"], account["balance_cents"]) == (201, "OPEN", PURSE)

    looked = client.get(f"/accounts/{account['id']}", headers=headers)
    assert (looked.status_code, looked.json()["id"], looked.json()["balance_cents"]) == (200, account["id"], PURSE)

    order = {"amount_cents": PRICE, "merchant_id": "m-3"}
    charged = client.post(f"/accounts/{account['id']}/charges", json=order, headers=headers)
    charge = charged.json()
    assert (charged.status_code, charge["state"], charge["balance_cents"]) == (201, "APPROVED", PURSE - PRICE)

    feed = client.get(f"/customers/{account['customer_id']}/feed")
    assert feed.status_code == 200
    assert charge["id"] in [entry["id"] for entry in feed.json()["entries"]]


if __name__ == "__main__":
    address, times = sys.argv[1], int(sys.argv[2])
    with httpx.Client(base_url=address, trust_env=False) as client:
        for _ in range(times):
            play(client)

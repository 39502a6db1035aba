// The 5-step journey as one would write it for k6. A check that fails makes k6 end with a status of its own.
import http from 'k6/http';
import { check } from 'k6';

export const options = { thresholds: { checks: ['rate==1'] } };

const BASE = __ENV.BASE;
const PRICE = 250;
const PURSE = 100000;

export default function () {
  const plain = { headers: { 'Content-Type': 'application/json' } };
  const session = http.post(`${BASE}/sessions`, JSON.stringify({ user: 'ada', password: 'lovelace' }), plain);
  if (!check(session, { 'log in': (r) => r.status === 201 && r.json('token_type') === 'Bearer' })) return;

  const headers = { 'Content-Type': 'application/json', Authorization: `Bearer ${session.json('token')}` };
  const opening = JSON.stringify({ owner: 'Ada', opening_balance_cents: PURSE });
  const opened = http.post(`${BASE}/accounts`, opening, { headers });
  const account = opened.status === 201 ? opened.json() : {};
  if (!check(account, { 'open an account': (a) => a.state === 'OPEN' && a.balance_cents === PURSE })) return;

  const looked = http.get(`${BASE}/accounts/${account.id}`, { headers, tags: { name: '/accounts/{id}' } });
  const same = (r) => r.status === 200 && r.json('id') === account.id && r.json('balance_cents') === PURSE;
  if (!check(looked, { 'look at the account': same })) return;

  const order = JSON.stringify({ amount_cents: PRICE, merchant_id: 'm-3' });
  const charges = { headers, tags: { name: '/accounts/{id}/charges' } };
  const charged = http.post(`${BASE}/accounts/${account.id}/charges`, order, charges);
  const charge = charged.status === 201 ? charged.json() : {};
  const approved = (c) => c.state === 'APPROVED' && c.balance_cents === PURSE - PRICE;
  if (!check(charge, { 'charge it': approved })) return;

  const feed = http.get(`${BASE}/customers/${account.customer_id}/feed`, { tags: { name: '/customers/{id}/feed' } });
  const listed = (r) => r.status === 200 && r.json('entries').some((entry) => entry.id === charge.id);
  check(feed, { 'it appears in the feed': listed });
}

import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const root = (path: string) => fileURLToPath(new URL(`../../../${path}`, import.meta.url));

/** Buys once from each seller that the environment names, sync and then async; prints what came of each purchase as JSON. */
const program = `
import asyncio, json, os
from agentpay import AgentPay, AsyncAgentPay, Paying, payment_of
from agentpay.local import LocalAccount

urls = os.environ["SELLERS"].split()
key = os.environ.get("PRIVATE_KEY")
given = {"paying": Paying(account=LocalAccount(key))} if key else {"api_key": os.environ["API_KEY"]}
api = os.environ["API"]

def told(client, response):
    payment = payment_of(response)
    return {"body": response.json(), "dialect": payment.dialect, "amount": str(payment.amount), "transaction": payment.transaction}

with AgentPay(api, timeout=120, **given) as client:
    bought = [told(client, client.fetch(url, max_amount="0.01")) for url in urls]
    spent = client.spent()

async def work():
    async with AsyncAgentPay(api, timeout=120, **given) as client:
        responses = await asyncio.gather(*(client.fetch(url, max_amount="0.01") for url in urls))
        return [told(client, response) for response in responses], client.spent()

later, more = asyncio.run(work())
print(json.dumps({"bought": bought + later, "spent": str(spent + more)}))
`;

export interface BoughtByPython {
  readonly bought: readonly {
    readonly body: unknown;
    readonly dialect: string;
    readonly amount: string;
    readonly transaction: string;
  }[];
  readonly spent: string;
}

/** The Python package buys from each seller twice, by a key of its own or by the key of the API. */
export async function buyByPython(
  sellers: readonly { readonly url: string }[],
  env: Readonly<Record<string, string>>,
): Promise<BoughtByPython> {
  const { write } = (await import(root('packages/sdk-python/generate.mjs'))) as { write(): void };
  write();
  const settings = {
    ...process.env,
    PYTHONPATH: root('packages/sdk-python/src'),
    PYTHONDONTWRITEBYTECODE: '1',
    SELLERS: sellers.map(({ url }) => url).join(' '),
    ...env,
  };
  const python = process.env['PYTHON'] ?? '/usr/bin/python3';
  const { stdout } = await promisify(execFile)(python, ['-c', program], { env: settings });
  return JSON.parse(stdout) as BoughtByPython;
}

// Runs in the browser of somebody who opened a priced URL: asks the wallet for a signature and shows what it bought.
// It imports nothing, because it is written into the page as it is.

/** One way to pay, as the server wrote it into the page. */
interface Choice {
  /** What the buyer sends back as accepted, unchanged. */
  readonly accepted: {
    readonly amount: string;
    readonly asset: string;
    readonly payTo: string;
    readonly maxTimeoutSeconds: number;
    readonly extra: { readonly name: string; readonly version: string };
  };
  readonly chainId: number;
  /** EIP-3085, for wallets that do not know the network yet. */
  readonly chain: {
    readonly chainName: string;
    readonly rpcUrls: readonly string[];
    readonly blockExplorerUrls: readonly string[];
  };
  readonly label: string;
}

interface Wallet {
  request(call: { method: string; params?: readonly unknown[] }): Promise<unknown>;
}

/** A signed payment; kept in the tab until it expires, so that no second one is signed for the same thing. */
interface Signed {
  readonly proof: string;
  /** Unix seconds. */
  readonly validBefore: number;
  /** What the receipt says of it. */
  readonly paid: { readonly label: string; readonly payTo: string; readonly explorer: string };
}

/** What the server wrote into the page; `now` in Unix seconds. */
interface Terms {
  readonly now: number;
  readonly resource: unknown;
  readonly choices: readonly Choice[];
}

const { now, resource, choices } = JSON.parse(element('terms').textContent ?? '') as Terms;
/** Unix seconds when `performance.now()` was 0, by the seller's clock: those of people's computers are off at times. */
let epoch = now - performance.now() / 1000;
const button = element('pay') as HTMLButtonElement;
const KEY = `payment:${location.pathname}${location.search}`;
const UNKNOWN_CHAIN = 4902;
const REFUSED_BY_PERSON = 4001;

let underWay = inStorage((storage) => JSON.parse(storage.getItem(KEY) ?? 'null') as Signed | null);
let wallet = (globalThis as unknown as { ethereum?: Wallet }).ethereum;
// EIP-6963: wallets that leave the global to another one announce themselves.
addEventListener('eip6963:announceProvider', (event) => {
  wallet ??= (event as CustomEvent<{ provider: Wallet }>).detail.provider;
});
dispatchEvent(new Event('eip6963:requestProvider'));

offerWallets();
button.addEventListener('click', () => void run());
element('copy').addEventListener('click', () => void copyCommand());
if (kept()) offerAgain('A payment that you signed before may be open. Nothing is signed anew.');

async function run(): Promise<void> {
  button.disabled = true;
  try {
    await deliver(kept() ?? (await sign()));
  } catch (error) {
    tell(sentence(error), true);
  } finally {
    button.disabled = false;
  }
}

// ---- the wallet

async function sign(): Promise<Signed> {
  const choice = choices[chosen()] as Choice;
  const found = wallet;
  if (!found) {
    (element('no-wallet') as HTMLDetailsElement).open = true;
    throw new Error('No wallet was found in this browser. Install one, or pay with a program.');
  }
  tell('Waiting for your wallet …');
  const accounts = (await found.request({ method: 'eth_requestAccounts' })) as readonly string[];
  const from = accounts[0];
  if (!from) throw new Error('The wallet gave no account.');
  await switchTo(choice, found);
  const authorization = authorize(from, choice);
  const typedData = JSON.stringify(typedDataOf(authorization, choice));
  const signature = await found.request({ method: 'eth_signTypedData_v4', params: [from, typedData] });
  const proof = {
    x402Version: 2,
    resource,
    accepted: choice.accepted,
    payload: { signature, authorization },
  };
  const paid = {
    label: choice.label,
    payTo: choice.accepted.payTo,
    explorer: choice.chain.blockExplorerUrls[0] ?? '',
  };
  const signed = {
    proof: base64(JSON.stringify(proof)),
    validBefore: Number(authorization.validBefore),
    paid,
  };
  keep(signed);
  return signed;
}

async function switchTo({ chainId, chain }: Choice, using: Wallet): Promise<void> {
  const id = `0x${chainId.toString(16)}`;
  try {
    await using.request({ method: 'wallet_switchEthereumChain', params: [{ chainId: id }] });
  } catch (error) {
    if ((error as { code?: unknown }).code !== UNKNOWN_CHAIN) throw error;
    const nativeCurrency = { name: 'Ether', symbol: 'ETH', decimals: 18 };
    await using.request({
      method: 'wallet_addEthereumChain',
      params: [{ chainId: id, nativeCurrency, ...chain }],
    });
  }
}

function authorize(from: string, { accepted }: Choice) {
  const start = Math.floor(time());
  return {
    from,
    to: accepted.payTo,
    value: accepted.amount,
    validAfter: String(start - 60),
    validBefore: String(start + accepted.maxTimeoutSeconds),
    nonce: `0x${Array.from(crypto.getRandomValues(new Uint8Array(32)), (byte) => byte.toString(16).padStart(2, '0')).join('')}`,
  };
}

/** EIP-712 typed data of an EIP-3009 authorization. */
function typedDataOf(message: ReturnType<typeof authorize>, { accepted, chainId }: Choice) {
  const fields = (types: Record<string, string>) =>
    Object.entries(types).map(([name, type]) => ({ name, type }));
  return {
    domain: {
      name: accepted.extra.name,
      version: accepted.extra.version,
      chainId,
      verifyingContract: accepted.asset,
    },
    primaryType: 'TransferWithAuthorization',
    types: {
      EIP712Domain: fields({
        name: 'string',
        version: 'string',
        chainId: 'uint256',
        verifyingContract: 'address',
      }),
      TransferWithAuthorization: fields({
        from: 'address',
        to: 'address',
        value: 'uint256',
        validAfter: 'uint256',
        validBefore: 'uint256',
        nonce: 'bytes32',
      }),
    },
    message,
  };
}

// ---- the seller

async function deliver({ proof, paid }: Signed): Promise<void> {
  tell('Paying …');
  const answer = await send(proof);
  if (!answer)
    return offerAgain('The seller cannot be reached. Your payment stays valid; nothing is paid twice.');
  if (answer.ok) {
    await show(answer);
    showReceipt(answer, paid);
    return forget();
  }
  const problem = (await answer.json().catch(() => ({}))) as { detail?: string; code?: string };
  const detail = problem.detail ?? `The seller answered ${answer.status}.`;
  // The payment may have been made, or still can be: it is sent again rather than another one signed.
  if (answer.status >= 500 || problem.code === 'payment_in_progress') {
    return offerAgain(`${detail} Your payment stays valid; nothing is paid twice.`);
  }
  forget();
  throw new Error(answer.status === 402 ? `${detail} Reload this page for a fresh offer.` : detail);
}

async function send(proof: string): Promise<Response | undefined> {
  const headers = { 'PAYMENT-SIGNATURE': proof, accept: '*/*' };
  const answer = await fetch(location.pathname + location.search, { headers }).catch(() => undefined);
  const date = Date.parse(answer?.headers.get('date') ?? '');
  if (date) epoch = (date - performance.now()) / 1000;
  return answer;
}

async function show(answer: Response): Promise<void> {
  const type = (answer.headers.get('content-type') ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? '';
  const blob = await answer.blob();
  const content = element('content');
  if (type === 'text/html') content.append(frame(await blob.text()));
  else if (/^image\/(?:png|jpeg|gif|webp|avif)$/.test(type)) content.append(picture(blob));
  else if (/^text\/|[/+]json$|[/+]xml$/.test(type)) content.append(text(await blob.text(), type));
  content.append(download(blob, answer));
  element('offer').hidden = true;
  element('bought').hidden = false;
  tell('Paid.');
  element('bought-title').focus();
}

/** What was paid, to whom, and where to see it: the seller names the transaction in `PAYMENT-RESPONSE`. */
function showReceipt(answer: Response, { label, payTo, explorer }: Signed['paid']): void {
  const { transaction, payer } = settlementIn(answer.headers.get('payment-response') ?? '');
  line('Paid', label);
  line('To', payTo);
  if (payer) line('From', payer);
  line('At', new Date(time() * 1000).toLocaleString());
  if (!/^0x[0-9a-f]{64}$/i.test(transaction ?? '')) return;
  const link = document.createElement('a');
  link.href = `${explorer}/tx/${transaction}`;
  link.rel = 'noopener noreferrer';
  link.target = '_blank';
  line('Transaction', transaction ?? '', link);
}

function settlementIn(header: string): { transaction?: string; payer?: string } {
  try {
    const bytes = Uint8Array.from(atob(header), (char) => char.charCodeAt(0));
    const { transaction, payer } = JSON.parse(new TextDecoder().decode(bytes)) as Record<string, unknown>;
    return {
      ...(typeof transaction === 'string' && { transaction }),
      ...(typeof payer === 'string' && { payer }),
    };
  } catch {
    return {};
  }
}

function line(term: string, said: string, inside: HTMLElement = document.createElement('span')): void {
  const [row, name, value] = ['div', 'dt', 'dd'].map((tag) => document.createElement(tag)) as [
    HTMLElement,
    HTMLElement,
    HTMLElement,
  ];
  name.textContent = term;
  inside.textContent = said;
  value.append(inside);
  row.append(name, value);
  element('receipt').append(row);
}

function frame(html: string): HTMLElement {
  const made = document.createElement('iframe');
  made.title = 'What you paid for';
  made.setAttribute('sandbox', '');
  made.srcdoc = html;
  return made;
}

function picture(blob: Blob): HTMLElement {
  const made = document.createElement('img');
  made.alt = 'What you paid for';
  made.src = URL.createObjectURL(blob);
  return made;
}

function text(body: string, type: string): HTMLElement {
  const made = document.createElement('pre');
  made.tabIndex = 0;
  made.textContent = type.endsWith('json') ? indented(body) : body;
  return made;
}

function indented(json: string): string {
  try {
    return JSON.stringify(JSON.parse(json), null, 2);
  } catch {
    return json;
  }
}

function download(blob: Blob, answer: Response): HTMLElement {
  const named = /filename="?([^";]+)"?/i.exec(answer.headers.get('content-disposition') ?? '')?.[1];
  const made = document.createElement('a');
  made.className = 'button';
  made.href = URL.createObjectURL(blob);
  made.download = named ?? location.pathname.split('/').filter(Boolean).pop() ?? 'paid';
  made.textContent = 'Save as a file';
  return made;
}

// ---- the page

/** Addresses that open this page in the browser inside a wallet. */
function offerWallets(): void {
  const here = location.href.split('#', 1)[0] as string;
  const wallets = {
    MetaMask: `https://metamask.app.link/dapp/${here.replace(/^https?:\/\//, '')}`,
    'Coinbase Wallet': `https://go.cb-w.com/dapp?cb_url=${encodeURIComponent(here)}`,
  };
  for (const [name, address] of Object.entries(wallets)) {
    const [item, link] = [document.createElement('li'), document.createElement('a')];
    link.href = address;
    link.rel = 'noopener noreferrer';
    link.textContent = `Open in ${name}`;
    item.append(link);
    element('wallets').append(item);
  }
}

function element(id: string): HTMLElement {
  return document.getElementById(id) as HTMLElement;
}

function chosen(): number {
  return Number(document.querySelector<HTMLInputElement>('input[name=choice]:checked')?.value ?? 0);
}

function tell(message: string, isFault = false): void {
  const status = element('status');
  status.className = isFault ? 'fault' : '';
  status.textContent = message;
}

function offerAgain(message: string): void {
  tell(message);
  button.textContent = 'Send the same payment again';
}

async function copyCommand(): Promise<void> {
  const command = element('command');
  try {
    await navigator.clipboard.writeText(command.textContent ?? '');
    element('copy').textContent = 'Copied';
  } catch {
    // Browsers keep the clipboard from pages without https: the text is selected instead.
    getSelection()?.selectAllChildren(command);
  }
}

/** Unix seconds. */
function time(): number {
  return epoch + performance.now() / 1000;
}

function sentence(error: unknown): string {
  if ((error as { code?: unknown }).code === REFUSED_BY_PERSON)
    return 'You declined in your wallet. Nothing was paid.';
  return (error as Error).message || 'The wallet did not sign. Nothing was paid.';
}

function base64(json: string): string {
  return btoa(Array.from(new TextEncoder().encode(json), (byte) => String.fromCharCode(byte)).join(''));
}

// ---- the payment that is under way

function kept(): Signed | undefined {
  return underWay && underWay.validBefore > time() ? underWay : undefined;
}

function keep(signed: Signed): void {
  underWay = signed;
  inStorage((storage) => storage.setItem(KEY, JSON.stringify(signed)));
}

/** Browsers may keep storage from pages: the payment then lasts as long as the page. */
function inStorage<T>(use: (storage: Storage) => T): T | undefined {
  try {
    return use(sessionStorage);
  } catch {
    return undefined;
  }
}

function forget(): void {
  underWay = undefined;
  inStorage((storage) => storage.removeItem(KEY));
  button.textContent = button.dataset['label'] ?? '';
}

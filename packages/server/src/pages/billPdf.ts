import type { billing } from '@agentpay/core';
import { formatMoney } from '@agentpay/primitives';

const MARGIN = 50;
const AMOUNT_WIDTH = 110;
/** What a page of A4 has between the margins. */
const WIDTH = 595.28 - 2 * MARGIN;
const BOTTOM = 841.89 - MARGIN;

/** An invoice or a receipt on paper. */
interface Bill {
  readonly title: string;
  readonly facts: readonly (readonly [label: string, value: string | null])[];
  readonly lines: readonly billing.Line[];
  readonly total: bigint;
  readonly createdAt: Date;
}

/** An invoice as a PDF document; the same one always gives the same bytes. */
export function invoicePdf(invoice: billing.Invoice): Promise<Uint8Array> {
  return write({
    title: 'Invoice',
    facts: [
      ['Number', invoice.id],
      ['Customer', invoice.customerId],
      ['Date', day(invoice.createdAt)],
      ['Due', day(invoice.dueAt)],
      ['Status', invoice.status],
      ['Subscription', invoice.subscriptionId],
      ['Purchase order', invoice.purchaseOrderId],
    ],
    lines: invoice.lines,
    total: invoice.amount,
    createdAt: invoice.createdAt,
  });
}

/** A receipt as a PDF document. */
export function receiptPdf(receipt: billing.PaidReceipt): Promise<Uint8Array> {
  return write({
    title: 'Receipt',
    facts: [
      ['Number', receipt.id],
      ['Customer', receipt.customerId],
      ['Date', day(receipt.createdAt)],
      ['Invoice', receipt.invoiceId],
      ['Authorization', receipt.authorizationId],
    ],
    lines: receipt.lines,
    total: receipt.amount,
    createdAt: receipt.createdAt,
  });
}

async function write({ title, facts, lines, total, createdAt }: Bill): Promise<Uint8Array> {
  // Slow to load, and an API may never be asked for a bill.
  const { default: PdfDocument } = await import('pdfkit');
  const info = { Title: title, Producer: 'AgentPay', Creator: 'AgentPay', CreationDate: createdAt };
  // Uncompressed, the text is found by whatever searches files; a bill is small.
  const pdf = new PdfDocument({ size: 'A4', margin: MARGIN, compress: false, info });
  const chunks: Buffer[] = [];
  const written = new Promise<Uint8Array>((resolve, reject) => {
    pdf.on('data', (chunk: Buffer) => chunks.push(chunk));
    pdf.on('end', () => resolve(new Uint8Array(Buffer.concat(chunks))));
    pdf.on('error', reject);
  });
  pdf.font('Helvetica-Bold').fontSize(20).text(title).moveDown();
  pdf.fontSize(10);
  for (const [label, value] of facts) if (value !== null) row(pdf, label, value, 'left');
  pdf.moveDown();
  row(pdf, 'Description', 'USDC', 'right', 'Helvetica-Bold');
  for (const { desc, amount } of lines) row(pdf, desc, formatMoney(amount), 'right');
  row(pdf, 'Total', formatMoney(total), 'right', 'Helvetica-Bold');
  pdf.end();
  return written;
}

/** Two columns: of facts the first is narrow, of amounts the second. */
function row(
  pdf: PDFKit.PDFDocument,
  left: string,
  right: string,
  align: 'left' | 'right',
  font = 'Helvetica',
): void {
  const split = align === 'left' ? AMOUNT_WIDTH : WIDTH - AMOUNT_WIDTH;
  const [first, second] = [latin(left), latin(right)];
  pdf.font(font);
  const height = Math.max(
    pdf.heightOfString(first, { width: split - 10 }),
    pdf.heightOfString(second, { width: WIDTH - split }),
  );
  if (pdf.y + height > BOTTOM) pdf.addPage();
  const top = pdf.y;
  pdf.text(first, MARGIN, top, { width: split - 10 });
  pdf.text(second, MARGIN + split, top, { width: WIDTH - split, align });
  pdf.x = MARGIN;
  pdf.y = top + height + 4;
}

/** What the standard fonts of PDF have beside the letters of Latin-1. */
const EXTRAS = '€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ';

/** Letters that the standard fonts do not have are shown as question marks. */
function latin(text: string): string {
  return [...text]
    .map((letter) => (/^[\x20-\x7e\xa0-\xff]$/.test(letter) || EXTRAS.includes(letter) ? letter : '?'))
    .join('');
}

const day = (at: Date) => at.toISOString().slice(0, 10);

import { pay } from '@agentpay/api';
import { purchases } from '@agentpay/core';
import { implement } from '../../http/implement.js';

export const handlers = implement(pay.nouns.payments, ({ core }) => ({
  async create({ principal, body, repeatable }) {
    const { purchase, paymentSignature } = await purchases.pay(core, {
      principal,
      holder: principal.credentialId,
      ...body,
      idempotencyKey: repeatable?.key,
    });
    const terms = purchase.terms as purchases.PurchaseTerms;
    return {
      paymentSignature,
      transaction: purchase.reference as string,
      transactionId: purchase.transactionId as string,
      network: terms.network,
      amount: purchases.amountOf(terms),
      payer: terms.payer,
    };
  },
}));

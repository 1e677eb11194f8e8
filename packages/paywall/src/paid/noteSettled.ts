import type { PricedContext } from './RequestContext.js';
import { scopeText } from './scope.js';
import { tellSettled, type Settled } from './tell.js';

/** Tells of a settled payment, and remembers its payer where sign-ins are taken. */
export async function noteSettled(context: PricedContext, settled: Settled): Promise<void> {
  tellSettled(context, settled);
  const { config, state, quote, req } = context;
  const { signIn } = quote.terms.extensions;
  if (!signIn) return;
  try {
    await state.signIns.remember(settled.payer, scopeText(req, await context.body()), signIn.seconds);
  } catch (error) {
    config.report({ what: 'a payer could not be noted, and cannot sign in', error });
  }
}

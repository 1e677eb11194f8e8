export { evaluate, evaluateSwitches, scopesOf, sellerScope } from './evaluate.js';
export type { Denial, DenialCode, Spend, Standing } from './evaluate.js';
export { migrations } from './migrations.js';
export {
  addRules,
  changeOwnerRules,
  create,
  dryRun,
  list,
  noteRule,
  ownerRulesOf,
  remove,
  removeRules,
  replace,
  rulesOf,
  setArchived,
  setOrgs,
  spendingOf,
  spendingOfKinds,
  wasRemoved,
} from './operations.js';
export { policySets, readSet, windows } from './PolicyStore.js';
export type { PolicySet, Rule, RuleKind, RuleTerms } from './Rule.js';
export { spend, spentIn, unspend } from './SpendWindow.js';
export type { SpendWindow } from './SpendWindow.js';

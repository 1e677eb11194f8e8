import { AgentPayError, textBounds } from '@agentpay/primitives';

/** A release of a listing. It never changes. */
export interface ListingVersion {
  readonly listingId: string;
  /** Semantic version with a v: "v1.0.0". */
  readonly version: string;
  readonly notes: string | null;
  readonly createdAt: Date;
}

const IDENTIFIER = '(?:0|[1-9]\\d*|\\d*[a-zA-Z-][\\da-zA-Z-]*)';
const NUMBER = '(0|[1-9]\\d{0,8})';
const SEMVER = new RegExp(
  `^v?${NUMBER}\\.${NUMBER}\\.${NUMBER}` +
    `(?:-(${IDENTIFIER}(?:\\.${IDENTIFIER})*))?(?:\\+[\\da-zA-Z-]+(?:\\.[\\da-zA-Z-]+)*)?$`,
);

/** Whether a text is a version, with or without its v. */
export function isVersion(text: string): boolean {
  return text.length <= textBounds.version && SEMVER.test(text);
}

/** A version as it is kept. @throws AgentPayError `invalid_request` unless it is a semantic version (https://semver.org, 2.0.0) */
export function readVersion(text: string): string {
  if (isVersion(text)) return text.startsWith('v') ? text : `v${text}`;
  throw new AgentPayError('invalid_request', 'The version is not a semantic one, such as v1.0.0.', {
    param: 'version',
  });
}

/** Orders versions by precedence (semver 2.0.0, section 11). */
export function compareVersions(a: string, b: string): number {
  const [left, right] = [SEMVER.exec(a), SEMVER.exec(b)];
  for (const part of [1, 2, 3]) {
    const difference = Number(left?.[part]) - Number(right?.[part]);
    if (difference !== 0) return difference;
  }
  const [before, after] = [left?.[4], right?.[4]];
  if (before === undefined || after === undefined)
    return Number(after !== undefined) - Number(before !== undefined);
  return comparePrereleases(before.split('.'), after.split('.'));
}

function comparePrereleases(a: readonly string[], b: readonly string[]): number {
  for (const [i, left] of a.entries()) {
    const right = b[i];
    if (right === undefined) return 1;
    if (left === right) continue;
    const [leftIsNumber, rightIsNumber] = [/^\d+$/.test(left), /^\d+$/.test(right)];
    if (leftIsNumber && rightIsNumber) return Number(left) - Number(right);
    if (leftIsNumber !== rightIsNumber) return leftIsNumber ? -1 : 1;
    return left < right ? -1 : 1;
  }
  return a.length - b.length;
}

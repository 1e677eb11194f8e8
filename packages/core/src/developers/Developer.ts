/** Somebody who sells on the marketplace, and whom organizations belong to. */
export interface Developer {
  readonly id: string;
  readonly email: string;
  readonly name: string;
  readonly status: DeveloperStatus;
  /** Where earnings arrive. */
  readonly walletId: string;
  readonly createdAt: Date;
}

const table = {
  pending: { approve: 'active', suspend: 'suspended' },
  active: { approve: 'active', suspend: 'suspended' },
  suspended: { approve: 'active', suspend: 'suspended' },
} as const;

export type DeveloperStatus = keyof typeof table;

/** Where a decision of the operator leads. */
export function decided(status: DeveloperStatus, decision: 'approve' | 'suspend'): DeveloperStatus {
  return table[status][decision];
}

import { textBounds } from '@agentpay/primitives';
import * as z from 'zod';
import { anyOf, anyone } from '../../credentials.js';
import { Endpoint } from '../../Endpoint.js';
import { decimalAmount } from '../../resources/amount.js';
import { pageOf, pageQuery } from '../../resources/page.js';
import { email, id, line, timestamp } from '../../resources/values.js';

const ORG = 'org_01kb3x9v7f5m2q8r4t6w0y1z3a';
const MEMBER = 'mem_01kb3x9v7f5m2q8r4t6w0y1z3b';
const TOKEN = `${MEMBER}.${'0'.repeat(64)}`;
const auth = anyOf('developer');
const params = z.object({ org_id: id('org') });
const memberParams = params.extend({ member_id: id('member') });
const role = z.enum(['owner', 'admin', 'member', 'billing'], {
  error: 'must be owner, admin, member or billing',
});
const status = z.enum(['invited', 'active', 'removed']);
const invitationToken = line(textBounds.invitation);

const memberExample = {
  id: MEMBER,
  email: 'dev@example.com',
  role: 'admin',
  status: 'invited',
  created_at: '2026-02-26T20:10:00Z',
};

/** POST /orgs */
export const create = Endpoint.from({
  summary: 'Makes an organization, owned by the developer, with an empty wallet.',
  method: 'POST',
  path: '/orgs',
  auth,
  body: z.object({ name: line(textBounds.name) }),
  response: z.object({ org_id: z.string() }),
  status: 200,
  example: { body: { name: 'Acme Labs' }, response: { org_id: ORG } },
});

/** GET /orgs */
export const list = Endpoint.from({
  summary: 'Lists the organizations that the developer acts for, newest first.',
  method: 'GET',
  path: '/orgs',
  auth,
  query: pageQuery,
  response: pageOf('orgs', z.object({ id: z.string(), name: z.string() })),
  status: 200,
  example: { response: { orgs: [{ id: ORG, name: 'Acme Labs' }], total: 1 } },
});

/** GET /orgs/{org_id} */
export const get = Endpoint.from({
  summary: 'Reads an organization: how many act for it and what its wallet has available.',
  method: 'GET',
  path: '/orgs/{org_id}',
  auth,
  params,
  response: z.object({
    id: z.string(),
    name: z.string(),
    members: z.number(),
    available_usdc: decimalAmount,
    created_at: timestamp,
  }),
  status: 200,
  errors: ['org_not_found'],
  example: {
    params: { org_id: ORG },
    response: {
      id: ORG,
      name: 'Acme Labs',
      members: 3,
      available_usdc: '500.00',
      created_at: '2026-02-26T20:10:00Z',
    },
  },
});

/** POST /orgs/{org_id}/members */
export const invite = Endpoint.from({
  summary:
    'Invites somebody by a link that makes one developer a member within seven days. Again, it gives a new link.',
  method: 'POST',
  path: '/orgs/{org_id}/members',
  auth,
  params,
  body: z.object({ email, role }),
  response: z.object({
    status,
    member_id: z.string(),
    /** Whoever opens it first can accept: hand it to nobody else. */
    invite_url: z.string(),
    expires_at: timestamp,
  }),
  status: 200,
  errors: ['org_not_found', 'forbidden', 'conflict'],
  example: {
    params: { org_id: ORG },
    body: { email: 'dev@example.com', role: 'admin' },
    response: {
      status: 'invited',
      member_id: MEMBER,
      invite_url: `https://pay.example.com/orgs/invitations?token=${TOKEN}`,
      expires_at: '2026-03-05T20:10:00Z',
    },
  },
});

/** GET /orgs/{org_id}/members */
export const members = Endpoint.from({
  summary: 'Lists the members and the open invitations of an organization, oldest first.',
  method: 'GET',
  path: '/orgs/{org_id}/members',
  auth,
  params,
  response: z.object({
    members: z.array(
      z.object({ id: z.string(), email: z.string().nullable(), role, status, created_at: timestamp }),
    ),
  }),
  status: 200,
  errors: ['org_not_found'],
  example: { params: { org_id: ORG }, response: { members: [memberExample] } },
});

/** DELETE /orgs/{org_id}/members/{member_id} */
export const removeMember = Endpoint.from({
  summary: 'Ends a membership or an invitation. Everybody may leave; the last owner stays.',
  method: 'DELETE',
  path: '/orgs/{org_id}/members/{member_id}',
  auth,
  params: memberParams,
  response: z.object({ status }),
  status: 200,
  errors: ['org_not_found', 'member_not_found', 'forbidden', 'conflict'],
  example: { params: { org_id: ORG, member_id: MEMBER }, response: { status: 'removed' } },
});

/** GET /orgs/invitations */
export const invitation = Endpoint.page({
  summary: 'Shows what an invitation offers and how to accept it.',
  method: 'GET',
  path: '/orgs/invitations',
  auth: anyone,
  htmlInJson: true,
  query: z.object({ token: invitationToken }),
  errors: ['invite_not_found'],
  example: { query: { token: TOKEN } },
});

/** POST /orgs/invitations/accept */
export const accept = Endpoint.from({
  summary: 'Makes the developer a member of the organization that invites by this token.',
  method: 'POST',
  path: '/orgs/invitations/accept',
  auth,
  body: z.object({ token: invitationToken }),
  response: z.object({ org_id: z.string(), member_id: z.string(), role, status }),
  status: 200,
  errors: ['invite_not_found', 'conflict'],
  example: {
    body: { token: TOKEN },
    response: { org_id: ORG, member_id: MEMBER, role: 'admin', status: 'active' },
  },
});

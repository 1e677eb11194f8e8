import { gateway } from '@agentpay/api';
import { developers, ledger, orgs } from '@agentpay/core';
import { counted } from '../../http/counted.js';
import { implement } from '../../http/implement.js';
import { page, text } from '../../pages/html.js';

export const handlers = implement(gateway.nouns.orgs, ({ core, baseUrl }) => ({
  async create({ principal, body }) {
    const { email } = await developers.self(core.db, principal);
    const { id } = await orgs.create(core, { principal, name: body.name, email });
    return { org_id: id };
  },
  async list({ principal, query }) {
    const { orgs: found, ...page } = await orgs.list(core, { principal, ...query });
    return { orgs: found.map(({ id, name }) => ({ id, name })), ...counted(page) };
  },
  async get({ principal, params }) {
    const { org, members } = await orgs.get(core, { principal, orgId: params.org_id });
    const wallet = { walletId: org.walletId, asset: orgs.ORG_CURRENCY };
    const { available } = await ledger.walletMoney(core.db, wallet);
    return { id: org.id, name: org.name, members, available_usdc: available, created_at: org.createdAt };
  },
  async invite({ principal, params, body }) {
    const invited = await orgs.invite(core, { principal, orgId: params.org_id, ...body });
    const { member, token } = invited;
    return {
      status: member.status,
      member_id: member.id,
      invite_url: `${baseUrl()}/orgs/invitations?token=${token}`,
      expires_at: member.inviteExpiresAt as Date,
    };
  },
  async members({ principal, params }) {
    const members = await orgs.members(core, { principal, orgId: params.org_id });
    const shown = ({ id, email, role, status, createdAt }: orgs.Member) => ({
      id,
      email,
      role,
      status,
      created_at: createdAt,
    });
    return { members: members.map(shown) };
  },
  async removeMember({ principal, params: { org_id: orgId, member_id: memberId } }) {
    const { status } = await orgs.removeMember(core, { principal, orgId, memberId });
    return { status };
  },
  async invitation({ query: { token } }) {
    const { org, member } = await orgs.invitation(core, { token });
    const body = `<h1>${text(org.name)} invites you</h1>
<p>You are to act for ${text(org.name)} with the role ${text(member.role)}.</p>
<p>Accept with the key of the developer who is to be the member:</p>
<pre>curl -X POST ${text(baseUrl())}/orgs/invitations/accept \\
  -H "X-Developer-Key: $DEV_KEY" -H "Content-Type: application/json" \\
  -d '{"token":"${text(token)}"}'</pre>
<p>The invitation can be accepted once, until ${text((member.inviteExpiresAt as Date).toUTCString())}.</p>`;
    return { html: page('Invitation', body) };
  },
  async accept({ principal, body }) {
    const { org, member } = await orgs.accept(core, { principal, token: body.token });
    return { org_id: org.id, member_id: member.id, role: member.role, status: member.status };
  },
}));

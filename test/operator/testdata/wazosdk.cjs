// What an application does with wazo's own SDK from the first login to the last logout, and a clerk beside it
// who manages users. The program fails where something is not as with wazo-auth.
'use strict';

const assert = require('node:assert/strict');

const { SDK, SERVER, USERNAME, PASSWORD } = process.env;
const { WazoApiClient, default: Wazo } = require(SDK);

const clientID = 'desk-app';

// quiet keeps the SDK from logging what it has sent.
function quiet(api) {
  api.client.disableErrorLogging();
  return api;
}

function client() {
  return quiet(new WazoApiClient({ server: SERVER, clientId: clientID }));
}

async function logIn(username, password) {
  const api = client();
  const session = await api.auth.logIn({ username, password });
  api.setToken(session.token);
  api.setRefreshToken(session.refreshToken);
  return { api, session };
}

// refused wants a call to end in an answer of a status.
async function refused(status, call) {
  await assert.rejects(call, (error) => {
    assert.equal(error.status, status);
    return true;
  });
}

const story = {
  async 'a wrong password is refused'() {
    await refused(401, client().auth.logIn({ username: USERNAME, password: `${PASSWORD}x` }));
  },

  async 'a login gives a session that checks'() {
    const { api, session } = await logIn(USERNAME, PASSWORD);
    for (const member of ['token', 'refreshToken', 'uuid', 'sessionUuid', 'tenantUuid', 'stackUuid']) {
      assert.ok(session[member], member);
    }
    assert.ok(!session.hasExpired());
    assert.equal(await api.auth.checkToken(session.token), true);
    assert.equal(await api.auth.checkToken('no-such-token'), false);
    const same = await api.auth.authenticate(session.token);
    assert.deepEqual([same.uuid, same.sessionUuid, same.acl], [session.uuid, session.sessionUuid, session.acl]);
    assert.deepEqual((await api.auth.getRestrictionPolicies(['confd.users.read'])).scopes, { 'confd.users.read': true });
  },

  async 'a token that was ended is replaced by the SDK itself'() {
    const { api, session } = await logIn(USERNAME, PASSWORD);
    let replacement;
    api.setOnRefreshToken((token) => { replacement = token; });
    await api.auth.logOut(session.token);
    assert.equal(await api.auth.checkToken(session.token), false);
    const sessions = await api.auth.getUserSession('me'); // 401, a refresh, and the same again
    assert.ok(replacement && replacement !== session.token);
    assert.ok(sessions.items.some((one) => one.user_uuid === session.uuid));
    replacement = undefined;
    assert.equal((await api.auth.authenticate(session.token)).uuid, session.uuid); // so does 404 No such token
    assert.ok(replacement);
  },

  async 'a session is ended by its id'() {
    const { api, session } = await logIn(USERNAME, PASSWORD);
    const { session: other } = await logIn(USERNAME, PASSWORD);
    await api.auth.deleteUserSession(session.uuid, other.sessionUuid);
    assert.equal(await api.auth.checkToken(other.token), false);
    assert.equal(await api.auth.checkToken(session.token), true);
  },

  async 'a refresh token is no access token, and ends'() {
    const { api, session } = await logIn(USERNAME, PASSWORD);
    const misused = client();
    misused.setToken(session.refreshToken);
    await refused(401, misused.auth.getUserSession('me'));
    const next = await api.auth.refreshToken(session.refreshToken);
    assert.ok(next.token && next.token !== session.token);
    await api.auth.deleteRefreshToken(clientID);
    await refused(401, client().auth.refreshToken(session.refreshToken));
  },

  async 'a user is made, found, given another password, and deleted'() {
    const { api: clerk } = await logIn(USERNAME, PASSWORD);
    const made = await clerk.auth.createUser('dora', PASSWORD, 'Dora', 'Sample');
    assert.equal((await clerk.auth.getUser(made.uuid)).firstname, 'Dora');
    assert.ok((await clerk.auth.listUsers()).items.some((one) => one.uuid === made.uuid));
    assert.equal((await logIn('dora', PASSWORD)).session.uuid, made.uuid);
    assert.equal(await clerk.auth.updatePassword(made.uuid, PASSWORD, `${PASSWORD}-next`), true);
    await refused(401, client().auth.logIn({ username: 'dora', password: PASSWORD }));
    const { session } = await logIn('dora', `${PASSWORD}-next`);
    assert.equal(await clerk.auth.deleteUser(made.uuid), true);
    assert.equal(await clerk.auth.checkToken(session.token), false);
  },

  async 'a tenant is read'() {
    const { api, session } = await logIn(USERNAME, PASSWORD);
    assert.deepEqual((await api.auth.listTenants()).items.map((one) => one.uuid), [session.tenantUuid]);
    assert.equal((await api.auth.getTenant(session.tenantUuid)).uuid, session.tenantUuid);
  },

  async 'a mobile application logs in, comes back, and logs out'() {
    Wazo.Auth.init(clientID, 3600, null, null, true);
    Wazo.Auth.setHost(SERVER);
    const { auth } = quiet(Wazo.getApiClient());
    const first = await auth.logIn({ username: USERNAME, password: PASSWORD, mobile: true });
    const asked = { 'X-Auth-Token': first.token, Accept: 'application/json' };
    const held = await Wazo.getApiClient().client.get('auth/0.1/users/me/tokens', null, asked);
    assert.deepEqual(held.items.map((one) => [one.client_id, one.mobile]), [[clientID, true]]);
    const back = await auth.refreshToken(first.refreshToken, '', 3600, true);
    assert.equal(back.uuid, first.uuid);
    await auth.logOut(back.token);
    assert.equal(await auth.checkToken(back.token), false);
  },
};

async function main() {
  for (const [name, step] of Object.entries(story)) {
    try {
      await step();
      console.log(`ok: ${name}`);
    } catch (error) {
      console.log(`not ok: ${name}\n${error.stack}`);
      process.exitCode = 1;
    }
  }
  process.exit(); // the SDK's timers would keep it for as long as a request may take
}

main();

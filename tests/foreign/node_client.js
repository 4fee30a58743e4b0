#!/usr/bin/env node
'use strict';
/**
 * The table of cases through the Node example that partners copy (docs/partner/node/sluis_client.js, receipt.js).
 *
 *     node_client.js CASES DIR       run by run.py, which serves DIR; NODE_PATH names the installed packages
 *
 * It checks by itself: nothing of the Python client is used.
 */
const fs = require('node:fs');
const path = require('node:path');
const readline = require('node:readline');
const grpc = require('@grpc/grpc-js');
const loader = require('@grpc/proto-loader');
const health = require('grpc-health-check');

const ROOT = path.resolve(__dirname, '../..');
const { Gateway, faultOf, loadProtos, newTransactionId, readProfile, readReply, unary } = require(path.join(ROOT, 'docs/partner/node/sluis_client.js'));
const { verifyReceipt } = require(path.join(ROOT, 'docs/partner/node/receipt.js'));

const [, , CASES, FOLDER] = process.argv;
const protos = loadProtos(path.join(ROOT, 'proto'));
const STUBS = { ReleaseService: 'releases', StandingService: 'standings', InvoiceAuditService: 'audits', LogService: 'log' };

class Unmet extends Error {}

function need(condition, what) {
  if (!condition) throw new Unmet(what);
}

const gateways = {};
const gateway = (slug) => (gateways[slug] ??= new Gateway(readProfile(path.join(FOLDER, `profiles/${slug}.toml`)), protos));
const partner = () => gateway('family-supporters');

const all = JSON.parse(fs.readFileSync(CASES, 'utf8')).cases;
const state = { vkey: null, transactions: {}, entries: {}, released: null };

function transaction(label) {
  if (label === undefined) return newTransactionId();
  return label.startsWith('=') ? label.slice(1) : (state.transactions[label] ??= newTransactionId());
}

// -- calls

async function metadataOf(one) {
  const kind = one.token || 'own';
  const metadata = new grpc.Metadata();
  metadata.set('fsc-transaction-id', transaction(one.transaction));
  if (kind === 'none') return metadata;
  let token = await gateway(kind.startsWith('of:') ? kind.slice(3) : one.as).token();
  if (kind === 'tampered') {
    const [head, claims, signature] = token.split('.');
    token = `${head}.${claims}.${signature[0] === 'A' ? 'B' : 'A'}${signature.slice(1)}`;
  }
  metadata.set('authorization', `Bearer ${kind === 'garbage' ? 'abc' : token}`);
  return metadata;
}

async function ask(one) {
  const [service, method] = one.call.split('/');
  const client = gateway(one.as)[STUBS[service]];
  const metadata = await metadataOf(one);
  try {
    if (!one.messages) return { status: 'OK', messages: [await unary(client, method, one.request, metadata, 30_000)] };
    const call = client[method](metadata, { deadline: Date.now() + 30_000 });
    for (const message of one.messages) call.write(message);
    call.end();
    const messages = [];
    for await (const message of call) messages.push(message);
    return { status: 'OK', messages };
  } catch (error) {
    if (error.code === undefined) throw error;
    return faultOf(error);
  }
}

async function check(given) {
  const one = JSON.parse(JSON.stringify(given).replace(/\{transaction:(\w+)\}/g, (_, label) => state.transactions[label]));
  const answer = await ask(one);
  const wanted = one.expect;
  const got = `${answer.status} ${answer.reason} ${answer.field}: ${answer.text}`;
  need(answer.status === wanted.status, `${wanted.status} was due, ${got} came`);
  if (answer.status === 'OK') return wanted.audit ? checkAudit(answer.messages, wanted.audit) : checkReply(one, answer.messages[0], wanted);
  need(answer.reason === (wanted.reason || ''), `reason ${wanted.reason} was due, ${got} came`);
  need(answer.field === (wanted.field || ''), `field ${wanted.field} was due, ${got} came`);
}

function checkReply(one, reply, wanted) {
  need(!wanted.outcome || reply.outcome === wanted.outcome, `${wanted.outcome} was due, ${reply.outcome} came`);
  const message = wanted.outcome ? reply[reply.outcome] : reply;
  const released = reply.outcome === 'released' ? message : null;
  if (released) checkExtract(reply, wanted);
  const entry = verified(message.receipt, released);
  need(entry.k === wanted.entry, `an entry ${wanted.entry} was due, ${entry.k} came`);
  if (wanted.same_entry) need(message.receipt.index === state.entries[wanted.same_entry], 'another entry came');
  if (wanted.repeats) need((entry.ref || '').endsWith(`:${state.entries[wanted.repeats]}`), 'the entry names no earlier one');
  else if (one.transaction) state.entries[one.transaction] = message.receipt.index;
}

function checkExtract(reply, wanted) {
  const { extract } = readReply(reply, protos);
  need(!wanted.rule || extract.rule === wanted.rule, `rule ${extract.rule}`);
  need(extract.values.length >= (wanted.values_min || 1), `only ${extract.values.length} values`);
  const fields = extract.values.map((value) => value.field).sort().join();
  need(!wanted.fields || fields === [...wanted.fields].sort().join(), `fields ${fields}`);
  state.released = reply.released;
}

function verified(receipt, released) {
  const entry = released ? verifyReceipt(receipt.proof, state.vkey, released.body, released.salt) : verifyReceipt(receipt.proof, state.vkey);
  need(String(entry.i) === receipt.index, `the receipt says ${receipt.index}, its entry ${entry.i}`);
  return entry;
}

function checkAudit(messages, wanted) {
  const kinds = messages.map((message) => message.message);
  need(kinds[0] === 'opened' && kinds.at(-1) === 'closed' && kinds.length > 2, `messages ${kinds}`);
  const entries = messages.map((message) => verified(message[message.message].receipt).k);
  const due = ['AUDIT_OPEN', ...Array(kinds.length - 2).fill('PAGE'), 'AUDIT_CLOSE'];
  need(entries.join() === due.join(), `entries ${entries}`);
  const findings = messages.slice(1, -1).flatMap((message) => message.page.findings);
  const { closed } = messages.at(-1);
  const agrees = findings.filter((finding) => finding.finding === 'FINDING_AGREES').length;
  need(closed.lines === wanted.lines && findings.length === wanted.lines, `${closed.lines} lines, ${findings.length} findings`);
  need(closed.agrees === wanted.agrees && agrees === wanted.agrees, `${closed.agrees} agree`);
  need(closed.lines === closed.agrees + closed.differs + closed.not_confirmed, 'the totals do not add up');
}

// -- conduct

const refused = { subject: { client_number: 'NOBODY-0' }, purpose: 'PURPOSE_TREATMENT', actor: 'foreign-worker' };
const opening = { declaration_number: '1', provider_agb: '12345678', actor: 'foreign' };
const lines = readline.createInterface({ input: process.stdin })[Symbol.asyncIterator]();

/** An audit that was opened and stands still; resolves when it is open, rejects with its error. */
async function idleAudit() {
  const one = gateway('den-haag');
  const call = one.audits.AuditInvoice(await one.metadata(), { deadline: Date.now() + 60_000 });
  call.write({ opening });
  return new Promise((resolve, reject) => {
    call.on('data', () => resolve(call));
    call.on('error', reject);
  });
}

/** Asks whoever runs us to stop or start the gateway. */
async function please(word) {
  process.stdout.write(`! ${word}\n`);
  const { value } = await lines.next();
  need(value === word, `the gateway did not ${word}`);
}

const conduct = {
  async health() {
    const { ca, key, cert, endpoint } = partner().profile;
    const definition = grpc.loadPackageDefinition(loader.loadSync(health.protoPath, { enums: String }));
    const client = new definition.grpc.health.v1.Health(endpoint, grpc.credentials.createSsl(ca, key, cert));
    for (const service of ['', 'sluis.v1.ReleaseService']) {
      const { status } = await unary(client, 'Check', { service }, new grpc.Metadata(), 10_000);
      need(status === 'SERVING', `\`${service}\` is ${status}`);
    }
    client.close();
  },

  async reflection() {
    const { ca, key, cert, endpoint } = partner().profile;
    const folder = path.join(path.dirname(require.resolve('@grpc/reflection/package.json')), 'build/proto');
    const definition = loader.loadSync('grpc/reflection/v1/reflection.proto', { includeDirs: [folder], keepCase: true, oneofs: true });
    const { ServerReflection } = grpc.loadPackageDefinition(definition).grpc.reflection.v1;
    const client = new ServerReflection(endpoint, grpc.credentials.createSsl(ca, key, cert));
    const call = client.ServerReflectionInfo({ deadline: Date.now() + 10_000 });
    call.end({ list_services: '' });
    const services = [];
    for await (const reply of call) services.push(...reply.list_services_response.service.map((service) => service.name));
    for (const name of Object.keys(STUBS)) need(services.includes(`sluis.v1.${name}`), `only ${services}`);
    client.close();
  },

  async altered_body() {
    const { receipt, body, salt } = state.released;
    verifyReceipt(receipt.proof, state.vkey, body, salt);
    try {
      verifyReceipt(receipt.proof, state.vkey, Buffer.concat([body, Buffer.from([0])]), salt);
    } catch (error) {
      return need(/other bytes/.test(error.message), error.message);
    }
    need(false, 'another body verifies too');
  },

  /** A refusal leaves 100 to 200 ms after it came, so 20 ms do not suffice. */
  async deadline() {
    const transactionId = newTransactionId();
    const early = await partner().release(refused, { transactionId, deadline: 20, attempts: 1 }).catch(faultOf);
    need(early.status === 'DEADLINE_EXCEEDED', `${early.status} came`);
    const { outcome, receipt } = readReply(await partner().release(refused, { transactionId }), protos);
    const again = await partner().receiptAgain(transactionId);
    need(outcome === 'refused' && receipt.transaction_id === transactionId, `${outcome} ${receipt.transaction_id}`);
    need(again.index === receipt.index && verified(again).k === 'DENY', 'it stands twice in the log');
  },

  async cancel() {
    const call = await idleAudit();
    const ended = new Promise((resolve) => { call.on('error', resolve); });
    call.cancel();
    const error = await ended;
    need(error.code === grpc.status.CANCELLED, `${grpc.status[error.code]} came`);
    need((await gateway('den-haag').checkpoint()).note, 'the gateway does not answer');
  },

  /** Audits that stand open until the gateway takes no more; then there is room again. */
  async full_house() {
    const open = [];
    let fault = null;
    while (!fault && open.length < 100) {
      await idleAudit().then((call) => open.push(call), (error) => { fault = faultOf(error); });
    }
    for (const call of open) {
      call.on('error', () => {});
      call.cancel();
    }
    need(fault, 'a hundred audits at once were taken');
    need(fault.status === 'RESOURCE_EXHAUSTED' && fault.reason, JSON.stringify(fault));
    need(fault.retryAfter > 0 && fault.retryAfter <= 60_000, `come back after ${fault.retryAfter}`);
    const { outcome } = readReply(await partner().release(refused), protos);
    need(outcome === 'refused', `${outcome} came`);
  },

  /** Calls one after another until the channel has connected anew twice; none is repeated, none fails. */
  async connection_age() {
    const channel = partner().log.getChannel();
    const { READY } = grpc.connectivityState;
    const states = [];
    const ended = Date.now() + 30_000;
    const left = () => states.filter((one, at) => one === READY && at + 1 < states.length).length;
    while (left() < 2 && Date.now() < ended) {
      await partner().checkpoint();
      const now = channel.getConnectivityState(false);
      if (states.at(-1) !== now) states.push(now);
      await new Promise((resolve) => setTimeout(resolve, 10));
      const after = channel.getConnectivityState(false);
      if (states.at(-1) !== after) states.push(after);
    }
    need(left() >= 2, `the channel kept its connection: ${states}`);
  },

  /** A call that begins while nothing listens, without a token yet, and one over channels that stood before. */
  async restart() {
    const newcomer = new Gateway(partner().profile, protos);
    await please('stop');
    const calls = [newcomer, partner()].map((one) => one.release(refused, { attempts: 30 }));
    await please('start');
    for (const call of calls) {
      const { outcome } = readReply(await call, protos);
      need(outcome === 'refused', `${outcome} came`);
    }
    newcomer.close();
  },

  async guide_audit() {
    const [first, ...rest] = all.find((one) => one.messages && one.messages.length > 1).messages;
    const replies = [];
    for await (const reply of gateway('den-haag').audit(first.opening, rest.map((one) => one.line))) replies.push(reply);
    need(replies[0].message === 'opened' && replies.at(-1).message === 'closed', replies.map((one) => one.message));
    const findings = replies.slice(1, -1).flatMap((one) => one.page.findings).length;
    need(findings === rest.length && replies.at(-1).closed.lines === rest.length, `${findings} findings`);
  },
};

async function main() {
  state.vkey = (await partner().checkpoint()).verifier_key;
  for (const one of all.filter((c) => !c.clients || c.clients.includes('node'))) {
    try {
      if (one.do) await conduct[one.do]();
      else await check(one);
      console.log(`ok   ${one.name}`);
    } catch (error) {
      console.log(`FAIL ${one.name}: ${error instanceof Unmet ? error.message : error.stack.split('\n').slice(0, 4).join(' ')}`);
    }
  }
  Object.values(gateways).forEach((one) => one.close());
  process.exit(0);
}

main();

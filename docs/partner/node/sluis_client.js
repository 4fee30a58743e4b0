'use strict';
/**
 * A client of Sluis in Node: token, questions, errors, retries, audits. Copy it and make it yours.
 *
 * Needs Node 18, @grpc/grpc-js and @grpc/proto-loader in the versions of package.json, and our proto files.
 */
const crypto = require('node:crypto');
const fs = require('node:fs');
const https = require('node:https');
const path = require('node:path');
const grpc = require('@grpc/grpc-js');
const loader = require('@grpc/proto-loader');

const READING = { keepCase: true, longs: String, enums: String, defaults: true, oneofs: true };

/** The services and messages of `sluis.v1`, read from the folder that holds our proto files. */
function loadProtos(folder) {
  const files = ['common', 'release', 'standing', 'audit', 'log'].map((name) => `sluis/v1/${name}.proto`);
  return grpc.loadPackageDefinition(loader.loadSync(files, { ...READING, includeDirs: [folder] })).sluis.v1;
}

const rpc = grpc.loadPackageDefinition(loader.loadSync(path.join(__dirname, 'google_rpc.proto'), READING)).google.rpc;

/** A profile: flat TOML, `key = "value"` per line; `ca`, `cert` and `key` are read from the files they name. */
function readProfile(file) {
  const profile = {};
  for (const line of fs.readFileSync(file, 'utf8').split('\n')) {
    const found = /^(\w+) = "(.*)"$/.exec(line);
    if (found) profile[found[1]] = found[2];
  }
  for (const name of ['ca', 'cert', 'key']) {
    profile[name] = fs.readFileSync(path.resolve(path.dirname(file), profile[name]));
  }
  return profile;
}

/** No token: the status of the endpoint, 503 where it could not be reached, and what it said. */
class NoToken extends Error {
  constructor(status, text) {
    super(`no token: status ${status}: ${text}`);
    this.mayRepeat = [408, 429, 503].includes(status);
  }
}

// guide: token
/** Client credentials over mutual TLS (RFC 6749, 4.4; RFC 8705): `{ access_token, expires_in }`. */
function fetchToken(profile) {
  const form = new URLSearchParams({ grant_type: 'client_credentials', scope: profile.scope, client_id: profile.oin });
  const { ca, cert, key } = profile;
  const options = { method: 'POST', ca, cert, key, minVersion: 'TLSv1.3', agent: false, timeout: 10_000 };
  return new Promise((resolve, reject) => {
    const request = https.request(profile.token_endpoint, options, (answer) => {
      const parts = [];
      answer.on('data', (part) => parts.push(part));
      answer.on('end', () => {
        const body = Buffer.concat(parts).toString();
        if (answer.statusCode === 200) resolve(JSON.parse(body));
        else reject(new NoToken(answer.statusCode, body));
      });
    });
    request.on('timeout', () => request.destroy(new Error('no answer within 10 s')));
    request.on('error', (error) => reject(new NoToken(503, error.message)));
    request.setHeader('content-type', 'application/x-www-form-urlencoded');
    request.end(form.toString());
  });
}
// guide: end

// guide: transaction
/** A UUIDv7 (RFC 9562): 48 bits of milliseconds, the rest random. */
function newTransactionId() {
  const bytes = crypto.randomBytes(16);
  bytes.writeUIntBE(Date.now(), 0, 6);
  bytes[6] = 0x70 | (bytes[6] & 0x0f);
  bytes[8] = 0x80 | (bytes[8] & 0x3f);
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
}
// guide: end

// guide: errors
/** What an error says: the gRPC status, our reason, the field that is wrong, when to try again. */
function faultOf(error) {
  const fault = { status: grpc.status[error.code], reason: '', field: '', retryAfter: null, incident: '', text: error.details };
  const [bytes] = error.metadata ? error.metadata.get('grpc-status-details-bin') : [];
  for (const detail of bytes ? rpc.Status.deserialize(bytes).details : []) {
    const type = detail.type_url.split('/').pop();
    if (type === 'google.rpc.ErrorInfo') {
      const info = rpc.ErrorInfo.deserialize(detail.value);
      if (info.domain === 'sluis.v1') fault.reason = info.reason;
    } else if (type === 'google.rpc.BadRequest') {
      fault.field = rpc.BadRequest.deserialize(detail.value).field_violations[0].field;
    } else if (type === 'google.rpc.RetryInfo') {
      const { seconds, nanos } = rpc.RetryInfo.deserialize(detail.value).retry_delay;
      fault.retryAfter = Number(seconds) * 1000 + nanos / 1e6;
    } else if (type === 'google.rpc.RequestInfo') {
      fault.incident = rpc.RequestInfo.deserialize(detail.value).request_id;
    }
  }
  // A new token, and then the same call again, may go better.
  fault.tokenIsStale = ['TOKEN_EXPIRED', 'TOKEN_UNKNOWN_KEY', 'TOKEN_BINDING', 'TOKEN_GRANT'].includes(fault.reason);
  // The same call again, under the same transaction id, may go better.
  fault.mayRepeat = ['UNAVAILABLE', 'DEADLINE_EXCEEDED', 'RESOURCE_EXHAUSTED', 'ABORTED'].includes(fault.status);
  return fault;
}
// guide: end

const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** One organisation's connection: channels that reconnect by themselves, and a token that is kept fresh. */
class Gateway {
  // guide: connect
  constructor(profile, protos) {
    this.profile = profile;
    this.protos = protos;
    const credentials = grpc.credentials.createSsl(profile.ca, profile.key, profile.cert);
    const options = { 'grpc.keepalive_time_ms': 60_000, 'grpc.max_reconnect_backoff_ms': 5_000 };
    const client = (service) => new protos[service](profile.endpoint, credentials, options);
    this.releases = client('ReleaseService');
    this.standings = client('StandingService');
    this.audits = client('InvoiceAuditService');
    this.log = client('LogService');
    this.renewAt = 0;
  }

  /** The token, fetched again after 80 % of its life, so that none ends under way. */
  async token() {
    if (Date.now() >= this.renewAt) {
      const asked = Date.now();
      const answer = await fetchToken(this.profile);
      this.kept = answer.access_token;
      this.renewAt = asked + 0.8 * 1000 * answer.expires_in;
    }
    return this.kept;
  }

  /** The next call fetches a token. */
  forgetToken() {
    this.renewAt = 0;
  }

  async metadata(transactionId = newTransactionId()) {
    const metadata = new grpc.Metadata();
    metadata.set('authorization', `Bearer ${await this.token()}`);
    metadata.set('fsc-transaction-id', transactionId);
    return metadata;
  }
  // guide: end

  // guide: ask
  /** Asks. Whatever goes wrong under way, the question is logged and answered once per transaction id. */
  async release(request, { transactionId = newTransactionId(), deadline = 10_000, attempts = 5 } = {}) {
    for (let attempt = 1; ; attempt += 1) {
      let retryAfter = 0;
      try {
        const metadata = await this.metadata(transactionId);
        return await unary(this.releases, 'Release', request, metadata, deadline);
      } catch (error) {
        const fault = error instanceof NoToken ? error : faultOf(error);
        if (attempt === attempts || !(fault.mayRepeat || fault.tokenIsStale)) throw error;
        if (fault.tokenIsStale) this.forgetToken();
        retryAfter = fault.retryAfter || 0;
      }
      const backoff = (0.5 + Math.random() / 2) * Math.min(200 * 2 ** attempt, 5_000);
      await wait(Math.max(retryAfter, backoff));
    }
  }
  // guide: end

  // guide: audit
  /** Streams claim lines and yields `opened`, pages of findings, `closed`. Lines are sent while pages come in. */
  async *audit(opening, lines, deadline = 600_000) {
    const call = this.audits.AuditInvoice(await this.metadata(), { deadline: Date.now() + deadline });
    call.write({ opening });
    for (const line of lines) call.write({ line });
    call.end();
    for await (const reply of call) yield reply;
  }
  // guide: end

  async checkpoint() {
    return unary(this.log, 'ReadCheckpoint', {}, await this.metadata(), 10_000);
  }

  /** The receipt of an earlier call of ours, when it was lost. */
  async receiptAgain(transactionId) {
    const reply = await unary(this.log, 'ReadReceipt', { transaction_id: transactionId }, await this.metadata(), 10_000);
    return reply.receipt;
  }

  close() {
    for (const client of [this.releases, this.standings, this.audits, this.log]) client.close();
  }
}

/** One unary call, as a promise. */
function unary(client, method, request, metadata, deadline) {
  return new Promise((resolve, reject) => {
    const options = { deadline: Date.now() + deadline };
    client[method](request, metadata, options, (error, reply) => (error ? reject(error) : resolve(reply)));
  });
}

// guide: reply
/** A reply as `{ outcome, extract, receipt }`. Only a release has an extract; every outcome has a receipt. */
function readReply(reply, protos) {
  if (!reply.outcome) return { outcome: 'refused', extract: null, receipt: null }; // from a later version
  const message = reply[reply.outcome];
  const extract = reply.outcome === 'released' ? protos.Extract.deserialize(message.body) : null;
  return { outcome: reply.outcome, extract, receipt: message.receipt };
}
// guide: end

module.exports = { Gateway, faultOf, fetchToken, loadProtos, newTransactionId, readProfile, readReply, unary };

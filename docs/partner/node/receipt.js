'use strict';
/**
 * Verifies a receipt without the gateway and without a line of its code: a tlog-proof (c2sp.org/tlog-proof), that is
 * an entry, its path in the Merkle tree (RFC 6962), and the checkpoint that the log signed with Ed25519.
 */
const crypto = require('node:crypto');

const sha256 = (...parts) => crypto.createHash('sha256').update(Buffer.concat(parts)).digest();

/** Throws when something does not hold. */
function need(condition, what) {
  if (!condition) throw new Error(`the receipt does not verify: ${what}`);
}

/** Name and public key of a verifier key: `name+id+base64(01 key)`. */
function readVerifierKey(text) {
  const found = /^([^+]+)\+([0-9a-f]{8})\+(.+)$/.exec(text.trim());
  need(found, 'the verifier key is not of the form name+id+key');
  const [, name, id, encoded] = found;
  const raw = Buffer.from(encoded, 'base64');
  need(raw.length === 33 && raw[0] === 1, 'the verifier key is not Ed25519');
  need(sha256(Buffer.from(`${name}\n`), raw).subarray(0, 4).toString('hex') === id, 'the id is not that of the key');
  const prefix = Buffer.from('302a300506032b6570032100', 'hex');
  const key = crypto.createPublicKey({ key: Buffer.concat([prefix, raw.subarray(1)]), format: 'der', type: 'spki' });
  return { name, id, key };
}

/** Size and root of a signed checkpoint. */
function openCheckpoint(note, verifierKey) {
  const { name, id, key } = readVerifierKey(verifierKey);
  const cut = note.lastIndexOf('\n\n');
  need(cut > 0, 'the checkpoint has no signature');
  const text = note.slice(0, cut + 1);
  const ours = note.slice(cut + 2).split('\n').map((line) => line.split(' ')).filter((parts) => parts[1] === name);
  const signed = ours.some(([, , encoded]) => {
    const raw = Buffer.from(encoded, 'base64');
    return raw.subarray(0, 4).toString('hex') === id && crypto.verify(null, Buffer.from(text), key, raw.subarray(4));
  });
  need(signed, 'the checkpoint is not signed by this log');
  const [origin, size, root] = text.split('\n');
  need(origin === name && /^(0|[1-9][0-9]*)$/.test(size), 'the checkpoint is of another log');
  return { size: BigInt(size), root: Buffer.from(root, 'base64') };
}

/** RFC 9162, 2.1.3.2. */
function isIncluded(leaf, index, size, path, root) {
  if (index >= size) return false;
  let [fn, sn, hash] = [index, size - 1n, leaf];
  for (const sibling of path) {
    if (sn === 0n) return false;
    if (fn % 2n === 1n || fn === sn) {
      hash = sha256(Buffer.from([1]), sibling, hash);
      while (fn % 2n === 0n && fn !== 0n) [fn, sn] = [fn >> 1n, sn >> 1n];
    } else {
      hash = sha256(Buffer.from([1]), hash, sibling);
    }
    [fn, sn] = [fn >> 1n, sn >> 1n];
  }
  return sn === 0n && hash.equals(root);
}

// guide: receipt
/**
 * The entry that a receipt proves. With `body` and `salt` of a release it also proves that exactly these bytes were
 * released. `verifierKey` is the one you were given at enrolment, not the one that the gateway names.
 */
function verifyReceipt(proof, verifierKey, body, salt) {
  const cut = proof.indexOf('\n\n');
  const [kind, extra, place, ...path] = proof.slice(0, cut).split('\n');
  need(kind === 'c2sp.org/tlog-proof@v1' && extra.startsWith('extra ') && place.startsWith('index '), 'it is no tlog-proof');
  const bytes = Buffer.from(extra.slice('extra '.length), 'base64');
  const entry = JSON.parse(bytes.toString('utf8'));
  const { size, root } = openCheckpoint(proof.slice(cut + 2), verifierKey);
  const hashes = path.map((line) => Buffer.from(line, 'base64'));
  const index = BigInt(place.slice('index '.length));
  need(BigInt(entry.i) === index, 'the entry says another index');
  need(isIncluded(sha256(Buffer.from([0]), bytes), index, size, hashes, root), 'the entry is not in the signed tree');
  if (body !== undefined) {
    need(sha256(Buffer.from('sluis-bc/1\0'), salt, body).toString('hex') === entry.bc, 'it covers other bytes');
  }
  return entry;
}
// guide: end

module.exports = { openCheckpoint, verifyReceipt };

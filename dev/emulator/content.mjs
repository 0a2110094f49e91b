// @ts-check
/**
 * Things the media host serves, readable from any byte on, and the HTTP of serving them (HEAD, ranges, ETag).
 *
 * @typedef {{ bytes: number, type: string, etag: string, read: (from: number, to: number) => Iterable<Buffer> | AsyncIterable<Buffer> }} Content
 */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { reply } from './http.mjs';

const CHUNK = 64 * 1024;
const ZEROS = Buffer.alloc(CHUNK);

/** @type {WeakMap<Buffer, import('node:crypto').Hash>} */
const hashes = new WeakMap();

/** The state of the hash after the clip: hundreds of results share one clip and differ only behind it. @param {Buffer} buffer */
function hashOf(buffer) {
	let hash = hashes.get(buffer);
	if (!hash) hashes.set(buffer, (hash = createHash('sha256').update(buffer)));
	return hash.copy();
}

/**
 * @param {Buffer} buffer
 * @param {string} type
 * @returns {Content}
 */
export const bufferContent = (buffer, type) => ({
	bytes: buffer.length,
	type,
	etag: `"${hashOf(buffer).digest('hex').slice(0, 32)}"`,
	read: (from, to) => [buffer.subarray(from, to)],
});

/**
 * @param {string} path
 * @param {{ bytes: number, type: string, sha256: string }} about
 * @returns {Content}
 */
export const fileContent = (path, { bytes, type, sha256 }) => ({
	bytes,
	type,
	etag: `"${sha256.slice(0, 32)}"`,
	read: (from, to) => (to > from ? createReadStream(path, { start: from, end: to - 1 }) : []),
});

/**
 * A clip with a `free` box behind it that players skip. It holds a note, so that no two results are alike, and zeros up to the
 * size asked for; they are written as they are read, so that a result of many gigabytes costs no memory.
 *
 * @param {Buffer} clip
 * @param {string} note
 * @param {number | null} wanted size in bytes; a smaller one than the clip and its note need is not reached
 * @returns {Content & { sha256: () => Promise<string> }}
 */
export function stampedClip(clip, note, wanted) {
	const text = Buffer.from(note);
	const bytes = Math.max(wanted ?? 0, clip.length + 8 + text.length);
	const stamp = Buffer.concat([freeBoxHeader(bytes - clip.length), text]);
	const starts = clip.length + stamp.length;

	/** @param {number} from @param {number} to */
	function* read(from, to) {
		for (let at = from; at < to; ) {
			const source =
				at < clip.length
					? clip.subarray(at)
					: at < starts
						? stamp.subarray(at - clip.length)
						: ZEROS;
			const piece = source.subarray(0, Math.min(CHUNK, to - at));
			yield piece;
			at += piece.length;
		}
	}
	const sha256 = async () => {
		const hash = hashOf(clip);
		let unyielded = 0;
		for (const piece of read(clip.length, bytes)) {
			hash.update(piece);
			unyielded += piece.length;
			// A gigabyte takes seconds: other requests must not wait for it.
			if (unyielded > 8 * 1024 * 1024)
				unyielded = await new Promise((resolve) => setImmediate(resolve, 0));
		}
		return hash.digest('hex');
	};
	return {
		bytes,
		type: 'video/mp4',
		etag: `"${createHash('sha256').update(`${bytes} ${note}`).digest('hex').slice(0, 32)}"`,
		read,
		sha256,
	};
}

/** @param {number} size of the whole box */
function freeBoxHeader(size) {
	const wide = size >= 2 ** 32;
	const header = Buffer.alloc(wide ? 16 : 8);
	header.writeUInt32BE(wide ? 1 : size, 0);
	header.write('free', 4, 'latin1');
	if (wide) header.writeBigUInt64BE(BigInt(size), 8);
	return header;
}

/**
 * @param {string | undefined} header
 * @param {number} bytes
 * @returns {[number, number] | 'unsatisfiable' | null} first byte and the one behind the last; null: the header asks for nothing this host does
 */
function range(header, bytes) {
	const [, first, last] = /^bytes=(\d*)-(\d*)$/.exec(header ?? '') ?? [];
	if (first === undefined || (first === '' && last === '')) return null;
	const from = first === '' ? Math.max(0, bytes - Number(last)) : Number(first);
	const to = first === '' || last === '' ? bytes : Math.min(Number(last) + 1, bytes);
	return from >= bytes || to <= from ? 'unsatisfiable' : [from, to];
}

/**
 * @param {import('node:http').IncomingMessage} request
 * @param {Content} content
 * @param {{ ranges: boolean, flaw?: 'ignore-range' | 'wrong-range' }} options a wrong range is another one than asked for, honestly labelled
 * @returns {import('./http.mjs').Reply}
 */
export function serve({ headers }, content, { ranges, flaw }) {
	const common = {
		'content-type': content.type,
		etag: content.etag,
		'cache-control': 'private',
		...(ranges && { 'accept-ranges': 'bytes' }),
	};
	if (headers['if-none-match'] === content.etag) return reply(304, '', common);
	const stale = headers['if-range'] !== undefined && headers['if-range'] !== content.etag;
	const asked =
		ranges && !stale && flaw !== 'ignore-range' ? range(headers.range, content.bytes) : null;
	if (asked === 'unsatisfiable')
		return reply(416, '', { ...common, 'content-range': `bytes */${content.bytes}` });
	const [first, to] = asked ?? [0, content.bytes];
	const from = asked && flaw === 'wrong-range' ? Math.floor(first / 2) : first;
	return {
		status: asked ? 206 : 200,
		headers: {
			...common,
			...(asked && { 'content-range': `bytes ${from}-${to - 1}/${content.bytes}` }),
		},
		body: { bytes: to - from, read: () => content.read(from, to) },
	};
}

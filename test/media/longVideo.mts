import type { ByteSource } from './built.mts';
import type { Node } from './boxes.mts';
import { all, parse, write } from './boxes.mts';

/**
 * A video that goes on for hours, without a file of its size: a short one, again and again. Its index
 * is as large as that of a real one, with 64-bit offsets.
 * @param bytes of a short video whose index is behind its samples
 */
export function longVideo(bytes: Buffer, times: number): ByteSource & { size: number } {
	const nodes = parse(bytes);
	const mdatAt = nodes.findIndex(({ type }) => type === 'mdat');
	const before = write(nodes.slice(0, mdatAt));
	const { body } = nodes[mdatAt];
	const oldStart = before.length + 8;
	const newStart = before.length + 16;
	const [moov] = all(nodes, 'moov');
	for (const stbl of all([moov], 'stbl')) {
		repeatTables(stbl, times, newStart - oldStart, body.length);
	}
	for (const { body: elst } of all([moov], 'elst')) elst.writeUInt32BE(0, 8);
	const head = Buffer.concat([
		before,
		write([{ type: 'mdat', body: Buffer.alloc(0), size: 'long' }]),
	]);
	head.writeBigUInt64BE(BigInt(16 + body.length * times), before.length + 8);
	const tail = write([moov]);
	const tailAt = newStart + body.length * times;
	const size = tailAt + tail.length;
	return {
		size,
		async read(offset, length) {
			const found = Buffer.alloc(Math.max(0, Math.min(length, size - offset)));
			for (let at = 0; at < found.length; ) {
				const from = offset + at;
				if (from < newStart) at += head.copy(found, at, from);
				else if (from >= tailAt) at += tail.copy(found, at, from - tailAt);
				else {
					const within = (from - newStart) % body.length;
					const end = Math.min(body.length, within + tailAt - from);
					at += body.copy(found, at, within, end);
				}
			}
			return found;
		},
	};
}

function repeatTables(stbl: Node, times: number, moved: number, period: number): void {
	const table = (type: string) => all([stbl], type)[0];
	const samples = table('stsz').body.readUInt32BE(8);
	for (const node of stbl.children ?? []) {
		if (['stts', 'ctts'].includes(node.type)) node.body = repeated(node.body, 8, 8, times);
	}
	const stsz = table('stsz');
	if (stsz.body.readUInt32BE(4) === 0) {
		const list = repeated(stsz.body.subarray(4), 8, 4, times);
		stsz.body = Buffer.concat([stsz.body.subarray(0, 8), list.subarray(4)]);
	} else stsz.body.writeUInt32BE(samples * times, 8);
	const stss = all([stbl], 'stss')[0];
	if (stss) {
		const old = stss.body;
		const count = old.readUInt32BE(4);
		stss.body = repeated(old, 8, 4, times);
		for (let at = count; at < count * times; at++) {
			const sample = old.readUInt32BE(8 + (at % count) * 4);
			stss.body.writeUInt32BE(sample + Math.floor(at / count) * samples, 8 + at * 4);
		}
	}
	const stco = table('stco');
	const chunks = stco.body.readUInt32BE(4);
	const offsets = Buffer.alloc(8 + chunks * times * 8);
	offsets.writeUInt32BE(chunks * times, 4);
	for (let at = 0; at < chunks * times; at++) {
		const old = stco.body.readUInt32BE(8 + (at % chunks) * 4);
		const offset = old + moved + Math.floor(at / chunks) * period;
		offsets.writeBigUInt64BE(BigInt(offset), 8 + at * 8);
	}
	stco.type = 'co64';
	stco.body = offsets;
	const stsc = table('stsc');
	const runs = stsc.body.readUInt32BE(4);
	const old = stsc.body;
	stsc.body = repeated(old, 8, 12, times);
	for (let at = 0; at < runs * times; at++) {
		const chunk = old.readUInt32BE(8 + (at % runs) * 12);
		stsc.body.writeUInt32BE(chunk + Math.floor(at / runs) * chunks, 8 + at * 12);
	}
}

/** A list with its entries again and again. */
function repeated(body: Buffer, from: number, entryBytes: number, times: number): Buffer {
	const count = body.readUInt32BE(from - 4);
	const entries = body.subarray(from, from + count * entryBytes);
	const head = Buffer.from(body.subarray(0, from));
	head.writeUInt32BE(count * times, from - 4);
	return Buffer.concat([head, ...Array.from({ length: times }, () => entries)]);
}

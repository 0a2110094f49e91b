/** Takes MP4 files apart and puts them together again, to make what ffmpeg would not write. */

export interface Node {
	type: string;
	/** Content of a box without children. */
	body: Buffer;
	children?: Node[];
	/** How its size is written; `short` if left out. */
	size?: 'short' | 'long' | 'toEnd';
}

const PARENTS = new Set(['moov', 'trak', 'mdia', 'minf', 'stbl', 'edts', 'mvex', 'moof', 'traf']);

export function parse(bytes: Buffer): Node[] {
	const nodes: Node[] = [];
	for (let at = 0; at + 8 <= bytes.length; ) {
		const short = bytes.readUInt32BE(at);
		const type = bytes.toString('latin1', at + 4, at + 8);
		const header = short === 1 ? 16 : 8;
		const size = short === 1 ? Number(bytes.readBigUInt64BE(at + 8)) : short || bytes.length - at;
		const body = bytes.subarray(at + header, at + size);
		nodes.push({ type, body, ...(PARENTS.has(type) ? { children: parse(body) } : {}) });
		at += size;
	}
	return nodes;
}

export function write(nodes: Node[]): Buffer {
	return Buffer.concat(nodes.map(writeOne));
}

function writeOne({ type, body, children, size = 'short' }: Node): Buffer {
	const content = children ? write(children) : body;
	const header = Buffer.alloc(size === 'long' ? 16 : 8);
	header.write(type, 4, 'latin1');
	if (size === 'long') {
		header.writeUInt32BE(1, 0);
		header.writeBigUInt64BE(BigInt(content.length + 16), 8);
	} else header.writeUInt32BE(size === 'toEnd' ? 0 : content.length + 8, 0);
	return Buffer.concat([header, content]);
}

export function box(type: string, body = Buffer.alloc(0)): Node {
	return { type, body };
}

/** Every box of a type, wherever it is. */
export function all(nodes: Node[], type: string): Node[] {
	return nodes.flatMap((node) => [
		...(node.type === type ? [node] : []),
		...all(node.children ?? [], type),
	]);
}

/** Moves the chunk offsets of a file whose `mdat` was moved by so many bytes. */
export function shift(nodes: Node[], by: number): void {
	for (const { body } of all(nodes, 'stco')) {
		for (let at = 8; at < body.length; at += 4) body.writeUInt32BE(body.readUInt32BE(at) + by, at);
	}
}

/** The same file, whose last box does not tell its size: it reaches to the end. */
export function toEnd(bytes: Buffer): Buffer {
	const nodes = parse(bytes);
	nodes[nodes.length - 1].size = 'toEnd';
	return write(nodes);
}

/** The same file as QuickTime wrote it before there were brands. */
export function withoutBrand(bytes: Buffer): Buffer {
	const nodes = parse(bytes);
	const [ftyp] = nodes.splice(0, 1);
	shift(nodes, -ftyp.body.length - 8);
	return write(nodes);
}

/** Version 1 of a box that begins with times: two of creation, then what is between, then duration. */
export function lengthen(node: Node, between: number): void {
	const old = node.body;
	const times = [old.readUInt32BE(4), old.readUInt32BE(8)].map(long);
	const duration = old.readUInt32BE(12 + between);
	node.body = Buffer.concat([
		Buffer.from([1]),
		old.subarray(1, 4),
		...times,
		old.subarray(12, 12 + between),
		long(duration),
		old.subarray(16 + between),
	]);
}

/** The same file with 64-bit numbers in some of its boxes; its index has to be behind its samples. */
export function lengthen64(nodes: Node[], what: 'stco' | 'times' | 'elst'): Buffer {
	if (what === 'stco') for (const node of all(nodes, 'stco')) lengthenOffsets(node);
	if (what === 'elst') for (const node of all(nodes, 'elst')) lengthenEdits(node);
	if (what === 'times') {
		for (const node of [...all(nodes, 'mvhd'), ...all(nodes, 'mdhd')]) lengthen(node, 4);
		for (const node of all(nodes, 'tkhd')) lengthen(node, 8);
	}
	return write(nodes);
}

function lengthenOffsets(stco: Node): void {
	const list = Buffer.alloc((stco.body.length - 8) * 2);
	for (let at = 8; at < stco.body.length; at += 4) {
		list.writeBigUInt64BE(BigInt(stco.body.readUInt32BE(at)), (at - 8) * 2);
	}
	stco.type = 'co64';
	stco.body = Buffer.concat([stco.body.subarray(0, 8), list]);
}

function lengthenEdits(elst: Node): void {
	const entries = elst.body.readUInt32BE(4);
	const list = Buffer.alloc(entries * 20);
	for (let entry = 0; entry < entries; entry++) {
		list.writeBigUInt64BE(BigInt(elst.body.readUInt32BE(8 + entry * 12)), entry * 20);
		list.writeBigInt64BE(BigInt(elst.body.readInt32BE(12 + entry * 12)), entry * 20 + 8);
		elst.body.copy(list, entry * 20 + 16, 16 + entry * 12, 20 + entry * 12);
	}
	elst.body = Buffer.concat([Buffer.from([1]), elst.body.subarray(1, 8), list]);
}

function long(value: number): Buffer {
	const bytes = Buffer.alloc(8);
	bytes.writeBigUInt64BE(BigInt(value));
	return bytes;
}

import type { IBinaryData, IExecuteFunctions } from 'n8n-workflow';
import type { ByteStream } from '../n8n/internals';
import { startAt } from '../n8n/internals';
import { asObject, asText, excerpt } from '../util/unknown';
import type { MediaFault } from './fault';
import { unchecked, wrong } from './fault';
import type { ByteSource } from './source';

const MB = 1024 * 1024;

/** Bytes that a stream from n8n's store brings at a time. */
const CHUNK = MB;

/** Where n8n hands files out from their start only, a later part is streamed up to: that takes its time. */
const LONGEST_WAY = 4096 * MB;

type Helpers = IExecuteFunctions['helpers'];
type Store = Pick<Helpers, 'getBinaryStream' | 'getBinaryMetadata'>;

interface Context {
	helpers: Store & Pick<Helpers, 'assertBinaryData'>;
}

/** A source whose bytes may come as n8n's streams. */
export interface StreamedSource extends ByteSource {
	/** A stream that was read from, as a sample for `streamOf`. */
	readonly sample?: ByteStream;
}

/** The file in a binary field of an item. */
export async function binarySource(
	context: Context,
	itemIndex: number,
	field: string | IBinaryData,
): Promise<StreamedSource | MediaFault> {
	const { helpers } = context;
	let data: IBinaryData;
	try {
		data = typeof field === 'string' ? helpers.assertBinaryData(itemIndex, field) : field;
	} catch (error) {
		return wrong(`is missing: ${messageOf(error)}`);
	}
	return await storedSource(helpers, data);
}

/** A file that n8n keeps, in memory or in its store; one in the store is never held as a whole. */
export async function storedSource(
	store: Store,
	{ id, data, bytes }: IBinaryData,
): Promise<StreamedSource | MediaFault> {
	if (!id) return memorySource(data);
	try {
		return new StoredSource(store, id, bytes ?? (await store.getBinaryMetadata(id)).fileSize);
	} catch (error) {
		return notReadable(error);
	}
}

/** Reads a file of n8n's store, with as few streams as the order of the reads allows. */
class StoredSource implements StreamedSource {
	sample?: ByteStream;

	private chunks?: AsyncIterator<Buffer>;

	/** The bytes that come next in the stream, and where in the file they are. */
	private rest: Buffer = Buffer.alloc(0);

	private at = 0;

	private canStartAnywhere = false;

	constructor(
		private readonly store: Store,
		private readonly id: string,
		readonly size: number,
	) {}

	async read(offset: number, length: number): Promise<Buffer | MediaFault> {
		try {
			const isOnWay = this.at === offset || (this.at < offset && !this.canStartAnywhere);
			if (!this.chunks || !isOnWay) await this.open(offset);
			if (offset - this.at > LONGEST_WAY) return TOO_FAR;
			while (this.at < offset && (await this.load())) this.take(offset - this.at);
			const found: Buffer[] = [];
			for (let missing = length; missing > 0 && (await this.load()); ) {
				const piece = this.take(missing);
				missing -= piece.length;
				found.push(piece);
			}
			return Buffer.concat(found);
		} catch (error) {
			return notReadable(error);
		}
	}

	close(): void {
		this.sample?.destroy();
		this.chunks = undefined;
		this.rest = Buffer.alloc(0);
	}

	private async open(offset: number): Promise<void> {
		this.close();
		const stream = await this.store.getBinaryStream(this.id, CHUNK);
		stream.on('error', () => {});
		this.canStartAnywhere = startAt(stream, offset);
		this.at = this.canStartAnywhere ? offset : 0;
		this.sample = stream;
		this.chunks = stream[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
	}

	/** @returns whether there are bytes to take */
	private async load(): Promise<boolean> {
		while (this.rest.length === 0) {
			const next = await this.chunks?.next();
			if (!next || next.done) return false;
			this.rest = next.value;
		}
		return true;
	}

	private take(most: number): Buffer {
		const piece = this.rest.subarray(0, most);
		this.rest = this.rest.subarray(piece.length);
		this.at += piece.length;
		return piece;
	}
}

const TOO_FAR = unchecked(
	`what is to be read is more than ${LONGEST_WAY / MB} MB into the file, which n8n's binary store can only be read up to from its start`,
);

/** The parts of a Base64 text are decoded one by one: three bytes are four characters. */
function memorySource(base64: string): ByteSource {
	return {
		size: Buffer.byteLength(base64, 'base64'),
		async read(offset, length) {
			const before = offset % 3;
			const start = ((offset - before) / 3) * 4;
			const end = Math.ceil((offset + length) / 3) * 4;
			const bytes = Buffer.from(base64.slice(start, end), 'base64');
			return bytes.subarray(before, before + length);
		},
	};
}

function notReadable(error: unknown): MediaFault {
	return unchecked(`n8n's binary store does not give it (${messageOf(error)})`);
}

function messageOf(error: unknown): string {
	return excerpt(asText(asObject(error).message) ?? String(error), 200);
}

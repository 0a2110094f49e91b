import type { IBinaryData, IExecuteFunctions } from 'n8n-workflow';
import { asObject, asText, excerpt } from '../util/unknown';
import type { MediaFault } from './fault';
import { unchecked, wrong } from './fault';
import type { ByteSource } from './source';
import { collect } from './source';

const MB = 1024 * 1024;

/** n8n's binary store hands files out from their start only, so a later part is streamed up to. */
const CHUNK = MB;

/** That takes time even from a disk, and no file may be as large as this anyway. */
const LONGEST_WAY = 512 * MB;

type Helpers = IExecuteFunctions['helpers'];
type Store = Pick<Helpers, 'getBinaryStream' | 'getBinaryMetadata'>;

interface Context {
	helpers: Store & Pick<Helpers, 'assertBinaryData'>;
}

/** The file in a binary field of an item. */
export async function binarySource(
	context: Context,
	itemIndex: number,
	field: string,
): Promise<ByteSource | MediaFault> {
	const { helpers } = context;
	let data: IBinaryData;
	try {
		data = helpers.assertBinaryData(itemIndex, field);
	} catch (error) {
		return wrong(`is missing: ${messageOf(error)}`);
	}
	return await storedSource(helpers, data);
}

/** A file that n8n keeps, in memory or in its store; one in the store is never held as a whole. */
export async function storedSource(
	store: Store,
	{ id, data, bytes }: IBinaryData,
): Promise<ByteSource | MediaFault> {
	if (!id) return memorySource(data);
	try {
		const size = bytes ?? (await store.getBinaryMetadata(id)).fileSize;
		return { size, read: async (offset, length) => await readStored(store, id, offset, length) };
	} catch (error) {
		return notReadable(error);
	}
}

async function readStored(store: Store, id: string, offset: number, length: number) {
	if (offset > LONGEST_WAY) {
		return unchecked(`what it says of itself is more than ${LONGEST_WAY / MB} MB into the file`);
	}
	try {
		return await collect(await store.getBinaryStream(id, CHUNK), length, offset);
	} catch (error) {
		return notReadable(error);
	}
}

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

import type { MediaFault } from '../../shared/media/fault';
import { unchecked, wrong } from '../../shared/media/fault';
import { FileView } from '../../shared/media/fileView';
import { EMPTY, identify, JPEG, PNG, SIGNATURE_LENGTH } from '../../shared/media/signature';
import type { ByteSource } from '../../shared/media/source';
import { bufferSource } from '../../shared/media/source';

/** What an image file says of itself. */
export interface ImageFacts {
	type: 'jpg' | 'png';
	/** Pixels as shown: a camera may have noted that the picture is to be turned. */
	width: number;
	height: number;
	/** Bytes of the file; undefined where its host does not say. */
	size?: number;
}

/** No real file comes near; it only bounds the work that a made-up one can cause. */
const MOST_STEPS = 10_000;

type Pixels = Pick<ImageFacts, 'width' | 'height'>;

/**
 * Reads what JPEG and PNG files say of themselves, in at most three reads and 512 KB.
 * @returns a fault where it is no such file, or cannot be read; it never throws
 */
export async function readImage(source: ByteSource | Buffer): Promise<ImageFacts | MediaFault> {
	const file = new FileView(Buffer.isBuffer(source) ? bufferSource(source) : source);
	const found = await examine(file);
	return { ...found, size: file.size };
}

async function examine(file: FileView): Promise<Omit<ImageFacts, 'size'> | MediaFault> {
	const head = await file.bytes(0, SIGNATURE_LENGTH);
	if (file.fault) return file.fault;
	const type = identify(head);
	if (type === EMPTY) return wrong('is empty');
	if (type !== JPEG && type !== PNG) return wrong(`is ${type}, not JPG or PNG`);
	const pixels = type === PNG ? readPng(head) : await readJpeg(file);
	if (!pixels) return file.fault ?? wrong('is incomplete or damaged');
	// Allowed by the JPEG standard, and written by next to nobody.
	if (pixels.height === 0 && type === JPEG) return unchecked('it does not say its height');
	if (!(pixels.width > 0 && pixels.height > 0)) return wrong('is damaged: it has no pixels');
	return { type: type === PNG ? 'png' : 'jpg', ...pixels };
}

function readPng(head: Buffer): Pixels | undefined {
	if (head.length < 24 || head.toString('latin1', 12, 16) !== 'IHDR') return undefined;
	return { width: head.readUInt32BE(16), height: head.readUInt32BE(20) };
}

/** Goes from segment to segment up to the one that holds the size. */
async function readJpeg(file: FileView): Promise<Pixels | undefined> {
	let isTurned = false;
	let at = 2;
	for (let step = 0; step < MOST_STEPS; step++) {
		const segment = await file.bytes(at, 9, 4);
		const [prefix, marker] = segment;
		if (segment.length < 4 || prefix !== 0xff) return undefined;
		// Any number of fill bytes may come before a marker; some markers stand alone.
		if (marker === 0xff || marker === 0x01 || (marker >= 0xd0 && marker <= 0xd8)) {
			at += marker === 0xff ? 1 : 2;
			continue;
		}
		const length = segment.readUInt16BE(2);
		if (isStartOfFrame(marker)) {
			const frame = await file.bytes(at, 9);
			if (frame.length < 9) return undefined;
			const [height, width] = [frame.readUInt16BE(5), frame.readUInt16BE(7)];
			return isTurned ? { width: height, height: width } : { width, height };
		}
		// The picture itself, or its end, without a size before it.
		if (marker === 0xda || marker === 0xd9 || length < 2) return undefined;
		if (marker === 0xe1 && !isTurned)
			isTurned = isQuarterTurn(await file.bytes(at + 4, length - 2));
		at += 2 + length;
	}
	return undefined;
}

/** SOF0 to SOF15, among which DHT, JPG and DAC have their place. */
function isStartOfFrame(marker: number): boolean {
	return marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker);
}

/** @returns whether Exif data ask for the picture to be turned by 90 degrees, either way */
function isQuarterTurn(exif: Buffer): boolean {
	if (exif.toString('latin1', 0, 6) !== 'Exif\0\0' || exif.length < 14) return false;
	const tiff = exif.subarray(6);
	const isLittle = tiff[0] === 0x49;
	const number = (at: number, bytes: 2 | 4) => {
		if (at + bytes > tiff.length) return NaN;
		return isLittle ? tiff.readUIntLE(at, bytes) : tiff.readUIntBE(at, bytes);
	};
	const list = number(4, 4);
	const entries = Math.min(number(list, 2), (tiff.length - list) / 12);
	for (let entry = 0; entry < entries; entry++) {
		const at = list + 2 + entry * 12;
		const orientation = number(at, 2) === 0x0112 ? number(at + 8, 2) : 0;
		if (orientation >= 5 && orientation <= 8) return true;
	}
	return false;
}

/** The kind of a file by its first bytes: its name and its host may be wrong. */

export const MOVIE = 'an MP4 or MOV video';
export const JPEG = 'a JPEG image';
export const PNG = 'a PNG image';
export const EMPTY = 'empty';
const UNKNOWN = 'of an unknown type';

/** Stale and private links give these in place of a file: a page that asks for a log-in, or an error message. */
const HTML = 'an HTML page';
const XML = 'an XML document';
const JSON_TEXT = 'JSON text';
const PLAIN = 'plain text';
const writings = [HTML, XML, JSON_TEXT, PLAIN];

/** So many bytes tell every type below. */
export const SIGNATURE_LENGTH = 512;

/** The first bytes of each type, in hexadecimal; `..` is any byte. */
const types: Array<[pattern: string, type: string]> = [
	['ffd8ff', JPEG],
	['89504e470d0a1a0a', PNG],
	[text('GIF8'), 'a GIF image'],
	[`${text('RIFF')}........${text('WEBP')}`, 'a WebP image'],
	[`${text('RIFF')}........${text('AVI ')}`, 'an AVI video'],
	[`${text('RIFF')}........${text('WAVE')}`, 'a WAV audio file'],
	[`${text('BM')}........00000000`, 'a BMP image'],
	['49492a00', 'a TIFF image'],
	['4d4d002a', 'a TIFF image'],
	['ff0a', 'a JPEG XL image'],
	[`0000000c${text('JXL ')}`, 'a JPEG XL image'],
	[`0000000c${text('jP  ')}`, 'a JPEG 2000 image'],
	[text('8BPS'), 'a Photoshop document'],
	[text('%PDF'), 'a PDF document'],
	[text('FLV'), 'a Flash video'],
	['3026b2758e66cf11', 'a Windows Media file'],
	[text('OggS'), 'an Ogg file'],
	[text('ID3'), 'an MP3 audio file'],
	['000001ba', 'an MPEG program stream'],
	['000001b3', 'an MPEG video'],
	['504b0304', 'a ZIP archive'],
	['1f8b08', 'a gzip archive'],
	[text('#EXTM3U'), 'a streaming playlist'],
];

/** ISO base media files that are no videos, by major brand. */
const otherBrands: Record<string, string> = {
	heic: 'a HEIC image',
	heix: 'a HEIC image',
	heim: 'a HEIC image',
	heis: 'a HEIC image',
	hevc: 'a HEIC image',
	hevx: 'a HEIC image',
	mif1: 'a HEIF image',
	msf1: 'a HEIF image',
	avif: 'an AVIF image',
	avis: 'an AVIF image',
	'crx ': 'a raw camera image',
	'M4A ': 'an M4A audio file',
	'M4B ': 'an M4B audio book',
};

/** Boxes that a movie may begin with; QuickTime once did without `ftyp`. */
const firstBoxes = [
	'ftyp',
	'moov',
	'mdat',
	'free',
	'skip',
	'wide',
	'pnot',
	'styp',
	'moof',
	'sidx',
	'uuid',
	'pdin',
];

/**
 * @param head the first SIGNATURE_LENGTH bytes, or the whole of a smaller file
 * @returns what goes on after "the file is"
 */
export function identify(head: Buffer): string {
	if (head.length === 0) return EMPTY;
	const box = head.toString('latin1', 4, 8);
	if (box === 'ftyp') return otherBrands[head.toString('latin1', 8, 12)] ?? MOVIE;
	if (firstBoxes.includes(box)) return MOVIE;
	if (begins(head, '1a45dfa3')) {
		return head.includes('webm') ? 'a WebM video' : 'a Matroska (MKV) video';
	}
	return (
		types.find(([pattern]) => begins(head, pattern))?.[1] ??
		(isTransportStream(head) ? 'an MPEG transport stream' : undefined) ??
		asWriting(head) ??
		UNKNOWN
	);
}

/**
 * Each packet of 188 bytes begins with the same byte; on discs and in cameras a time of four bytes
 * comes before it. Asked last of all, as the byte is no more than the letter G.
 */
function isTransportStream(head: Buffer): boolean {
	const isEvery = (first: number, step: number) =>
		[0, 1].every((packet) => head[first + packet * step] === 0x47);
	return isEvery(0, 188) || isEvery(4, 192);
}

function text(ascii: string): string {
	return Buffer.from(ascii, 'latin1').toString('hex');
}

function begins(head: Buffer, pattern: string): boolean {
	const start = head.toString('hex', 0, pattern.length / 2);
	return start.length === pattern.length && new RegExp(`^${pattern}$`).test(start);
}

/** @returns whether a type is that of a text, rather than of a file of some kind */
export function isWriting(type: string): boolean {
	return writings.includes(type);
}

function asWriting(head: Buffer): string | undefined {
	const start = head
		.toString('utf8')
		.replace(/^\uFEFF/, '')
		.trimStart()
		.toLowerCase();
	if (/^<!doctype html|^<html|^<head/.test(start)) return HTML;
	if (start.includes('<svg')) return 'an SVG image';
	if (start.startsWith('<?xml')) return XML;
	const isText = head.every((byte) => byte >= 0x20 || (byte >= 0x09 && byte <= 0x0d));
	if (!isText) return undefined;
	return /^[{[]/.test(start) ? JSON_TEXT : PLAIN;
}

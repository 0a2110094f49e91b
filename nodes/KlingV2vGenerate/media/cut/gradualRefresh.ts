import { fourLetters } from '../../../shared/media/boxes';

/**
 * H.264 can renew a picture bit by bit over many frames, and the lists of sync samples name the first
 * of these as well: it needs others, and so do all up to the next one.
 */

/** So many bytes of a sample tell: what comes before its picture is small. */
export const HEAD_LENGTH = 4096;

const IDR = 5;
const OTHER_PICTURE = 1;

/**
 * @param stsd descriptions of the track's samples
 * @param head the first bytes of a sync sample
 * @returns whether its first slice needs other pictures; false where that cannot be told
 */
export function needsOthers(stsd: Buffer, head: Buffer): boolean {
	const avcC = stsd.indexOf('avcC', 0, 'latin1');
	if (!/^avc[1-4]$/.test(fourLetters(stsd, 12)) || avcC < 0 || avcC + 9 > stsd.length) return false;
	const lengthBytes = (stsd[avcC + 8] & 3) + 1;
	for (let at = 0; at + lengthBytes + 1 < head.length; ) {
		const length = head.readUIntBE(at, lengthBytes);
		const unit = head.subarray(at + lengthBytes, at + lengthBytes + Math.min(length, 32));
		const type = unit[0] & 31;
		if (type === IDR) return false;
		if (type === OTHER_PICTURE) return !isIntraSlice(unit.subarray(1));
		at += lengthBytes + length;
	}
	return false;
}

/** A slice begins with two numbers: its first macroblock, and its type, of which 2 and 4 are intra. */
function isIntraSlice(slice: Buffer): boolean {
	const bits = [...slice].map((byte) => byte.toString(2).padStart(8, '0')).join('');
	const first = expGolomb(bits, 0);
	const type = expGolomb(bits, first.end).value % 5;
	return type === 2 || type === 4 || Number.isNaN(type);
}

/** Reads a number of as many bits as it has zeros in front, and one. */
function expGolomb(bits: string, from: number): { value: number; end: number } {
	const one = bits.indexOf('1', from);
	if (one < 0) return { value: NaN, end: bits.length };
	const end = 2 * one - from + 1;
	return { value: parseInt(bits.slice(one, end), 2) - 1, end };
}

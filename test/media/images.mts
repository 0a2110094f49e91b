import type { Recipe } from './tools.mts';
import { Files } from './tools.mts';

/** Images that are held against ffprobe, and others that are no JPEG or PNG. */

function still(name: string, size: string, args = ''): Recipe {
	return {
		name,
		ffmpeg: `-f lavfi -i testsrc2=size=${size} -frames:v 1 ${args}`.trim().split(' '),
	};
}

const sizes = ['300x300', '640x360', '16x16', '299x1200', '1920x1080', '3000x200'];

const recipes: Recipe[] = [
	...sizes.flatMap((size) => [still(`${size}.jpg`, size), still(`${size}.png`, size)]),
	still('grey.jpg', '321x123', '-pix_fmt gray'),
	still('444.jpg', '321x123', '-pix_fmt yuvj444p'),
	still('palette.png', '321x123', '-pix_fmt pal8'),
	still('alpha.png', '321x123', '-pix_fmt rgba64be'),
	still('other.gif', '64x64'),
	still('other.webp', '64x64'),
	still('other.bmp', '64x64'),
	still('other.tiff', '64x64'),
];

export const imageNames = recipes
	.map(({ name }) => name)
	.filter((name) => !name.startsWith('other.'));

export const images = new Files(recipes);

/** Puts segments where cameras and editors put them: right after the start of a JPEG. */
export function withSegments(jpeg: Buffer, ...segments: Buffer[]): Buffer {
	return Buffer.concat([jpeg.subarray(0, 2), ...segments, jpeg.subarray(2)]);
}

export function segment(marker: number, content: Buffer): Buffer {
	const head = Buffer.from([0xff, marker, 0, 0]);
	head.writeUInt16BE(content.length + 2, 2);
	return Buffer.concat([head, content]);
}

/** Exif data that say which way up the picture is. */
export function exif(orientation: number, isLittle: boolean): Buffer {
	const tiff = Buffer.alloc(8 + 2 + 2 * 12 + 4);
	const put = (value: number, at: number, bytes: number) =>
		isLittle ? tiff.writeUIntLE(value, at, bytes) : tiff.writeUIntBE(value, at, bytes);
	tiff.write(isLittle ? 'II' : 'MM', 0, 'latin1');
	put(42, 2, 2);
	put(8, 4, 4);
	put(2, 8, 2);
	for (const [at, tag, value] of [
		[10, 0x0100, 1],
		[22, 0x0112, orientation],
	]) {
		put(tag, at, 2);
		put(3, at + 2, 2);
		put(1, at + 4, 4);
		put(value, at + 8, 2);
	}
	return segment(0xe1, Buffer.concat([Buffer.from('Exif\0\0', 'latin1'), tiff]));
}

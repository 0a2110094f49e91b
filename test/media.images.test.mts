import { describe, expect, test } from '@jest/globals';
import { bufferSource, counted, readImage } from './media/built.mts';
import { exif, imageNames, images, segment, withSegments } from './media/images.mts';

test.each(imageNames)('%s: as ffprobe reads it', async (name) => {
	const [{ width, height }] = (await images.probe(name)).streams;
	const bytes = await images.bytes(name);
	expect(await readImage(bytes)).toEqual({
		type: name.endsWith('.png') ? 'png' : 'jpg',
		width,
		height,
		size: bytes.length,
	});
});

describe('a JPEG', () => {
	test.each([1, 2, 3, 4, 5, 6, 7, 8])('turned by Exif orientation %i', async (orientation) => {
		const plain = await images.bytes('640x360.jpg');
		for (const isLittle of [true, false]) {
			const found = await readImage(withSegments(plain, exif(orientation, isLittle)));
			const [width, height] = orientation >= 5 ? [360, 640] : [640, 360];
			expect(found).toMatchObject({ width, height });
		}
	});

	test.each([0xc1, 0xc2, 0xc3, 0xc5, 0xc9, 0xca, 0xcf])('with frame marker %i', async (marker) => {
		const bytes = Buffer.from(await images.bytes('640x360.jpg'));
		bytes[bytes.indexOf(Buffer.from([0xff, 0xc0, 0])) + 1] = marker;
		expect(await readImage(bytes)).toMatchObject({ type: 'jpg', width: 640, height: 360 });
	});

	test('with fill bytes and with segments of 300 KB before its size', async () => {
		const plain = await images.bytes('640x360.jpg');
		const profile = Array.from({ length: 5 }, () => segment(0xe2, Buffer.alloc(60_000, 0xff)));
		const source = counted(
			bufferSource(withSegments(plain, exif(6, true), ...profile, Buffer.from([0xff, 0xff]))),
		);
		expect(await readImage(source)).toMatchObject({ width: 360, height: 640 });
		expect(source.reads).toBeLessThanOrEqual(3);
		expect(source.bytes).toBeLessThanOrEqual(512 * 1024);
	});

	test('with more before its size than a check reads is not judged', async () => {
		const plain = await images.bytes('640x360.jpg');
		const preview = Array.from({ length: 20 }, () => segment(0xe2, Buffer.alloc(60_000, 0xff)));
		const source = counted(bufferSource(withSegments(plain, ...preview)));
		expect(await readImage(source)).toMatchObject({ fault: 'unchecked' });
		expect(source.reads).toBeLessThanOrEqual(3);
	});
});

test.each([
	['other.gif', 'is a GIF image, not JPG or PNG'],
	['other.webp', 'is a WebP image, not JPG or PNG'],
	['other.bmp', 'is a BMP image, not JPG or PNG'],
	['other.tiff', 'is a TIFF image, not JPG or PNG'],
])('%s is told apart', async (name, reason) => {
	expect(await readImage(await images.bytes(name))).toMatchObject({ fault: 'wrong', reason });
});

test.each([
	['avif', 'is an AVIF image, not JPG or PNG'],
	['heic', 'is a HEIC image, not JPG or PNG'],
	['isom', 'is an MP4 or MOV video, not JPG or PNG'],
])('a file of brand %s is told apart', async (brand, reason) => {
	const head = Buffer.from(`\0\0\0\x18ftyp${brand}\0\0\0\0mif1miaf`, 'latin1');
	expect(await readImage(head)).toMatchObject({ fault: 'wrong', reason });
});

test.each([
	['<!DOCTYPE html><title>Sign in</title>', 'is an HTML page, not JPG or PNG'],
	['\uFEFF  <html lang="en">', 'is an HTML page, not JPG or PNG'],
	['<svg xmlns="http://www.w3.org/2000/svg"/>', 'is an SVG image, not JPG or PNG'],
	['{"error":"expired"}', 'is JSON text, not JPG or PNG'],
	['Access denied', 'is plain text, not JPG or PNG'],
	['\x01\x02\x03', 'is of an unknown type, not JPG or PNG'],
	['', 'is empty'],
])('%j is told apart', async (text, reason) => {
	expect(await readImage(Buffer.from(text))).toMatchObject({ fault: 'wrong', reason });
});

test('a picture that breaks off before its size is damaged', async () => {
	const jpeg = await images.bytes('640x360.jpg');
	const png = await images.bytes('640x360.png');
	const reason = 'is incomplete or damaged';
	expect(await readImage(jpeg.subarray(0, 60))).toMatchObject({ fault: 'wrong', reason });
	expect(await readImage(png.subarray(0, 20))).toMatchObject({ fault: 'wrong', reason });
});

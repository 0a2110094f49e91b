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

describe('a JPEG as programs damage it', () => {
	/** Where each segment begins, up to the picture itself. */
	function segmentsOf(jpeg: Buffer): number[] {
		const starts: number[] = [];
		for (let at = 2; jpeg[at + 1] !== 0xda; at += 2 + jpeg.readUInt16BE(at + 2)) starts.push(at);
		return starts;
	}

	test.each<[string, Buffer]>([
		['zeros', Buffer.alloc(5)],
		['any bytes', Buffer.from('0001020304fe', 'hex')],
		['a byte that is no marker', Buffer.from('ff00ff00', 'hex')],
		['markers that stand alone', Buffer.from('ffd0ff01ffd7', 'hex')],
		['fill bytes and zeros', Buffer.from('ffffff00ffff', 'hex')],
		['70 KB of zeros', Buffer.alloc(70_000)],
		[
			'a segment without its first byte',
			Buffer.concat([Buffer.from([0]), exif(1, true).subarray(1)]),
		],
		['a segment of length 0', Buffer.from('ffe50000', 'hex')],
		['a segment of length 1', Buffer.from('ffe50001', 'hex')],
		['a segment that is longer than it says', Buffer.from('ffe50004010203040506', 'hex')],
	])('is read with %s between any two segments', async (_, stray) => {
		const jpeg = await images.bytes('640x360.jpg');
		for (const at of segmentsOf(jpeg).slice(1)) {
			const bytes = Buffer.concat([jpeg.subarray(0, at), stray, jpeg.subarray(at)]);
			expect(await readImage(bytes)).toEqual({
				type: 'jpg',
				width: 640,
				height: 360,
				size: bytes.length,
			});
		}
	});

	test('is turned by its first Exif orientation, with stray bytes before it', async () => {
		const jpeg = await images.bytes('640x360.jpg');
		const stray = Buffer.from('ffe300040000aabb', 'hex');
		const turned = withSegments(jpeg, stray, exif(6, true), Buffer.alloc(3), exif(1, true));
		expect(await readImage(turned)).toMatchObject({ width: 360, height: 640 });
		const upright = withSegments(jpeg, stray, exif(1, true), Buffer.alloc(3), exif(6, true));
		expect(await readImage(upright)).toMatchObject({ width: 640, height: 360 });
	});

	test.each([
		['a second start', 'ffd8'],
		['the end', 'ffd9'],
		['the picture', 'ffda000c0300'],
		['a reserved marker', 'ff420004'],
	])('is damaged where %s comes before its size', async (_, marker) => {
		const jpeg = await images.bytes('640x360.jpg');
		const found = await readImage(withSegments(jpeg, exif(1, true), Buffer.from(marker, 'hex')));
		expect(found).toMatchObject({ fault: 'wrong', reason: 'is incomplete or damaged' });
	});
});

test.each([
	['87a', 0x47],
	['89a', 0x47],
	['89a', 0],
])('a GIF%s whose 189th byte is %i is a GIF', async (version, byte) => {
	const gif = Buffer.from(await images.bytes('other.gif'));
	gif.write(version, 3, 'latin1');
	gif[188] = byte;
	const reason = 'is a GIF image, not JPG or PNG';
	expect(await readImage(gif)).toMatchObject({ fault: 'wrong', reason });
});

test.each([
	[0, 188],
	[4, 192],
])('a transport stream with %i bytes before packets of %i is told apart', async (first, step) => {
	const stream = Buffer.alloc(1000, 0xee);
	for (let at = first; at < stream.length; at += step) stream[at] = 0x47;
	const reason = 'is an MPEG transport stream, not JPG or PNG';
	expect(await readImage(stream)).toMatchObject({ fault: 'wrong', reason });
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

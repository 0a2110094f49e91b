import { all, box, parse, write } from './boxes.mts';
import type { Node } from './boxes.mts';
import type { Recipe } from './tools.mts';
import { Files } from './tools.mts';

/** Videos as people have them, and whether a provider that keeps to its documentation takes them. */

export interface Case {
	recipe: Recipe;
	/** The message of a refused file, or the hint of one that is not; `good` has neither. */
	verdict: 'good' | { refused: RegExp } | { hint: RegExp };
}

const TOO_SHORT_OR_LONG = { refused: /s long, it must be 3 to 10 s$/ };
const WRONG_RATE = { refused: /frames a second, it must have 24 to 60$/ };
const CUT_OFF = { refused: /is incomplete: it breaks off before the end of its video$/ };
const NO_FRAMES = { refused: /has no frames$/ };
const ENCRYPTED = { refused: /is encrypted \(DRM\)$/ };
const EITHER_LENGTH = { hint: /the provider may count either, and asks for 3 to 10 s$/ };

function words(text: string): string[] {
	return text.split(' ');
}

const H264 = '-c:v libx264 -preset ultrafast -pix_fmt yuv420p';
/** So many bytes that no check reads them all; filled up, whatever there is to be seen. */
const HEAVY = `${H264} -b:v 4M -minrate 4M -maxrate 4M -bufsize 4M -nal-hrd cbr`;
const SOUND = '-f lavfi -i sine=sample_rate=44100';

interface Clip {
	rate?: string;
	seconds?: number;
	/** Encoders and the muxer's options. */
	as?: string;
	sound?: boolean;
}

function clip(name: string, { rate = '25', seconds = 4, as = '', sound }: Clip = {}): Recipe {
	const input = `-f lavfi -i color=size=1280x720:rate=${rate}${sound ? ` ${SOUND}` : ''}`;
	const codec = as.includes('-c:v') ? '' : H264;
	return {
		name,
		ffmpeg: words(`${input} -t ${seconds} -threads 1 ${codec} ${as}`.replace(/ +/g, ' ').trim()),
	};
}

function remix(name: string, from: Recipe[], args: string): Recipe {
	return { name, from: from.map((each) => each.name), ffmpeg: words(args) };
}

function edit(name: string, from: Recipe, change: (nodes: Node[]) => void): Recipe {
	return {
		name,
		from: [from.name],
		edit: (bytes) => {
			const nodes = parse(bytes);
			change(nodes);
			return write(nodes);
		},
	};
}

/** Other frame lengths in a file with one picture and no sound, in entries of count and ticks. */
function retimed(name: string, from: Recipe, change: (ticks: number, count: number) => number[][]) {
	return edit(name, from, (nodes) => {
		const [stts] = all(nodes, 'stts');
		const [count, ticks] = [stts.body.readUInt32BE(8), stts.body.readUInt32BE(12)];
		const entries = change(ticks, count);
		stts.body = Buffer.alloc(8 + entries.length * 8);
		stts.body.writeUInt32BE(entries.length, 4);
		entries.forEach(([frames, each], at) => {
			stts.body.writeUInt32BE(frames, 8 + at * 8);
			stts.body.writeInt32BE(Math.round(each), 12 + at * 8);
		});
		// An edit list would cut the picture to its old length.
		for (const trak of all(nodes, 'trak')) {
			trak.children = trak.children?.filter(({ type }) => type !== 'edts');
		}
	});
}

function renamed(name: string, from: Recipe, old: string, code: string): Recipe {
	return {
		name,
		from: [from.name],
		edit: (bytes) => {
			const changed = Buffer.from(bytes);
			changed.write(code, changed.indexOf(`${old}\0\0\0\0\0\0\0\x01`, 0, 'latin1'), 'latin1');
			return changed;
		},
	};
}

/** Puts a box behind those in the first picture's sample entry. */
function described(name: string, from: Recipe, extra: Buffer): Recipe {
	return edit(name, from, (nodes) => {
		const [stsd] = all(nodes, 'stsd');
		const size = stsd.body.readUInt32BE(8);
		const entry = Buffer.concat([stsd.body.subarray(8, 8 + size), extra]);
		entry.writeUInt32BE(entry.length);
		stsd.body = Buffer.concat([stsd.body.subarray(0, 8), entry]);
	});
}

function cut(name: string, from: Recipe, part: number): Recipe {
	return { name, from: [from.name], edit: (bytes) => bytes.subarray(0, bytes.length * part) };
}

const FRAGMENTS = '-movflags frag_keyframe+empty_moov';

function pieces(seconds: number): Recipe {
	const as = `${HEAVY} -g 25 ${FRAGMENTS}+skip_trailer`;
	return clip(`base-pieces-${seconds}.mp4`, { seconds, as });
}

const base = {
	24: clip('base-24.mov', { rate: '24' }),
	23.976: clip('base-23-976.mov', { rate: '24000/1001' }),
	25: clip('base-25.mp4'),
	30: clip('base-30.mp4', { rate: '30' }),
	59.94: clip('base-59-94.mp4', { rate: '60000/1001' }),
	60: clip('base-60.mp4', { rate: '60' }),
	fast: clip('base-fast.mp4', { as: '-movflags +faststart -c:a aac', sound: true }),
	hevc: clip('base-hevc.mp4', {
		as: '-c:v libx265 -preset ultrafast -x265-params log-level=none -tag:v hvc1',
	}),
	vp9: clip('base-vp9.mp4', {
		seconds: 3,
		as: '-c:v libvpx-vp9 -deadline realtime -cpu-used 8 -b:v 60k',
	}),
	short: clip('base-2-7.mp4', { seconds: 2.7 }),
	twoSeconds: clip('base-2.mp4', { seconds: 2 }),
	long: clip('base-9-9.mp4', { seconds: 9.9 }),
	tooLong: clip('base-11.mp4', { seconds: 11 }),
	cutShort: clip('base-3-2.mp4', { seconds: 3.2 }),
	cutLong: clip('base-10-4.mp4', { seconds: 10.4 }),
	sound: clip('base-sound.mp4', { seconds: 12, sound: true, as: '-c:a aac' }),
	heavy: clip('base-heavy.mp4', { as: `${HEAVY} -g 400 ${FRAGMENTS} -c:a aac`, sound: true }),
	pieces2: pieces(2),
	pieces: pieces(5),
	pieces14: pieces(14),
};

const withSound = (rate: string, seconds: number, flags: string, name: string): Recipe =>
	clip(`fragments-${name}.mp4`, {
		rate,
		seconds,
		sound: true,
		as: `-g 400 -movflags ${flags} -c:a aac`,
	});

const rateCases: Case[] = [
	...[
		['24', 3, 'frag_keyframe+empty_moov', '24-3s'],
		['24', 4.9, 'frag_keyframe+empty_moov+default_base_moof', '24-5s'],
		['24000/1001', 3, 'frag_keyframe+empty_moov', '23-976-3s'],
		['24000/1001', 4, 'dash', '23-976-dash'],
		['24000/1001', 5, 'frag_keyframe+delay_moov', '23-976-late'],
		['60', 3, 'frag_keyframe+empty_moov', '60-3s'],
		['60000/1001', 3, 'frag_keyframe', '59-94-3s'],
	].map(
		([rate, seconds, flags, name]): Case => ({
			recipe: withSound(String(rate), Number(seconds), String(flags), String(name)),
			verdict: 'good',
		}),
	),
	...([24, 23.976, 30, 59.94, 60] as const).map(
		(rate): Case => ({
			recipe: retimed(`last-without-length-${rate}.mp4`, base[rate], (ticks, count) => [
				[count - 1, ticks],
				[1, 0],
			]),
			verdict: 'good',
		}),
	),
	...([24, 23.976, 60] as const).flatMap((rate): Case[] => [
		{
			recipe: retimed(`first-long-${rate}.mov`, base[rate], (ticks, count) => [
				[1, ticks * 4.3],
				[count - 1, ticks],
			]),
			verdict: rate === 60 ? 'good' : { hint: /on average, although most follow each other at 2/ },
		},
		{
			recipe: retimed(`last-long-${rate}.mov`, base[rate], (ticks, count) => [
				[count - 1, ticks],
				[1, ticks * 1.8],
			]),
			verdict: 'good',
		},
		{
			recipe: retimed(`one-lost-${rate}.mov`, base[rate], (ticks, count) => [
				[40, ticks],
				[1, ticks * 2],
				[count - 41, ticks],
			]),
			verdict: 'good',
		},
		{
			recipe: retimed(`one-doubled-${rate}.mov`, base[rate], (ticks, count) => [
				[40, ticks],
				[2, ticks / 2],
				[count - 42, ticks],
			]),
			verdict: 'good',
		},
	]),
	{
		recipe: retimed('taken-back.mp4', base[30], (ticks, count) => [
			[50, ticks],
			[1, ticks * 170],
			[1, ticks * -168],
			[count - 52, ticks],
		]),
		verdict: 'good',
	},
	{
		recipe: retimed('milliseconds-at-24.mp4', base[24], (ticks, count) =>
			Array.from({ length: count }, (_, at) => [1, (ticks * (at % 3 ? 42 : 41)) / 41.667]),
		),
		verdict: 'good',
	},
	{
		recipe: retimed('a-long-pause.mp4', base[60], (ticks, count) => [
			[count / 2, ticks],
			[1, ticks * 240],
			[count / 2 - 1, ticks],
		]),
		verdict: 'good',
	},
	{
		recipe: retimed('mostly-a-pause.mp4', base[30], (ticks, count) => [
			[count / 2, ticks],
			[1, ticks * 120],
			[count / 2 - 1, ticks],
		]),
		verdict: { hint: /15.06 frames a second on average, although most .* at 30: / },
	},
	...['15', '25/2', '20', '23', '90', '120'].map(
		(rate): Case => ({
			recipe: clip(`rate-${rate.replace('/', '-')}.mp4`, { rate }),
			verdict: WRONG_RATE,
		}),
	),
	{
		recipe: clip('fragments-15.mp4', {
			rate: '15',
			as: `-g 400 ${FRAGMENTS} -c:a aac`,
			sound: true,
		}),
		verdict: WRONG_RATE,
	},
	{
		recipe: clip('pieces-15.mp4', { rate: '15', seconds: 5, as: `${HEAVY} -g 15 ${FRAGMENTS}` }),
		verdict: { hint: /the part of the video that was read has 15 frames a second/ },
	},
	{
		recipe: clip('pieces-30.mp4', { rate: '30', seconds: 5, as: `${HEAVY} -g 30 ${FRAGMENTS}` }),
		verdict: 'good',
	},
];

/** A recording with its length in the header of the movie, and pieces that no check can all meet. */
function declared(name: string, from: Recipe, seconds: number): Recipe {
	return edit(name, from, (nodes) => {
		const [mvhd] = all(nodes, 'mvhd');
		mvhd.body.writeUInt32BE(seconds * mvhd.body.readUInt32BE(12), 16);
		// The last fragment is far from the end.
		nodes.push(box('free', Buffer.alloc(600_000)));
	});
}

const lengthCases: Case[] = [
	...[2, 4, 14].flatMap((seconds): Case[] => {
		const verdict = seconds === 4 ? 'good' : TOO_SHORT_OR_LONG;
		const one = `${HEAVY} -g 900 ${FRAGMENTS}`;
		return [
			{ recipe: clip(`one-piece-${seconds}.mp4`, { seconds, as: one }), verdict },
			{
				recipe: clip(`one-piece-${seconds}-bare.mp4`, { seconds, as: `${one}+skip_trailer` }),
				verdict,
			},
			{
				recipe: clip(`one-piece-${seconds}-sound.mp4`, {
					seconds,
					sound: true,
					as: `${one}+default_base_moof -c:a aac`,
				}),
				verdict,
			},
			{
				recipe: clip(`two-pieces-${seconds}.mp4`, {
					seconds,
					as: `${HEAVY} -g ${Math.ceil(seconds * 12.5)} ${FRAGMENTS}`,
				}),
				verdict,
			},
		];
	}),
	...[2, 5, 14].map(
		(seconds): Case => ({
			// The first piece is in the index itself, as ffmpeg does it when it is not asked to empty that.
			recipe: clip(`pieces-behind-index-${seconds}.mp4`, {
				seconds,
				sound: true,
				as: `${HEAVY} -g 25 -movflags frag_keyframe -c:a aac`,
			}),
			verdict: seconds === 5 ? 'good' : TOO_SHORT_OR_LONG,
		}),
	),
	{
		recipe: clip('pieces-behind-index-bare.mp4', {
			seconds: 5,
			as: `${HEAVY} -g 25 -movflags frag_keyframe+skip_trailer`,
		}),
		verdict: { hint: /the video's length could not be found, and so not be checked$/ },
	},
	{ recipe: declared('declared-2.mp4', base.pieces2, 2), verdict: TOO_SHORT_OR_LONG },
	{ recipe: declared('declared-5.mp4', base.pieces, 5), verdict: 'good' },
	{ recipe: declared('declared-14.mp4', base.pieces14, 14), verdict: TOO_SHORT_OR_LONG },
	...(
		[
			['cutShort', EITHER_LENGTH],
			['cutLong', EITHER_LENGTH],
			['25', 'good'],
			['tooLong', TOO_SHORT_OR_LONG],
		] as const
	).map(
		([name, verdict]): Case => ({
			// The first half second is there, and an edit list hides it.
			recipe: remix(
				`cut-fragments-${name}.mp4`,
				[base[name]],
				'-ss 0.5 -i @0 -c copy -movflags frag_keyframe+delay_moov',
			),
			verdict,
		}),
	),
	// A header that is older than most pieces says nothing of them.
	{
		recipe: declared('declared-too-early.mp4', base.pieces14, 0.5),
		verdict: { hint: /the video's length could not be found, and so not be checked$/ },
	},
	...(
		[
			['short', 0.5, EITHER_LENGTH],
			['twoSeconds', 0.5, TOO_SHORT_OR_LONG],
			['long', 0.6, EITHER_LENGTH],
			['tooLong', 0.5, TOO_SHORT_OR_LONG],
			['25', 0.5, 'good'],
		] as const
	).map(
		([name, pause, verdict]): Case => ({
			recipe: remix(
				`pause-${name}.mp4`,
				[base.sound, base[name]],
				`-i @0 -itsoffset ${pause} -i @1 -map 1:v -map 0:a -c copy -t ${name === 'tooLong' ? 11.5 : name === 'long' ? 10.5 : name === 'twoSeconds' ? 2.5 : name === 'short' ? 3.2 : 4.5}`,
			),
			verdict,
		}),
	),
	...(
		[
			['short', 3.3, EITHER_LENGTH],
			['twoSeconds', 2.5, TOO_SHORT_OR_LONG],
			['25', 6, 'good'],
			['long', 11, EITHER_LENGTH],
			['tooLong', 12, TOO_SHORT_OR_LONG],
		] as const
	).map(
		([name, seconds, verdict]): Case => ({
			recipe: remix(
				`long-sound-${name}.mp4`,
				[base[name], base.sound],
				`-i @0 -i @1 -map 0:v -map 1:a -c copy -t ${seconds}`,
			),
			verdict,
		}),
	),
];

const wholeCases: Case[] = [
	...[0.2, 0.5, 0.9, 0.995].map(
		(part): Case => ({
			recipe: cut(`cut-off-${part}.mp4`, base.fast, part),
			verdict: CUT_OFF,
		}),
	),
	{ recipe: base.fast, verdict: 'good' },
	{ recipe: cut('cut-off-fragment.mp4', base.heavy, 0.6), verdict: CUT_OFF },
	{ recipe: cut('cut-off-piece.mp4', base.pieces, 0.97), verdict: CUT_OFF },
	{
		recipe: edit('junk-behind.mp4', base.fast, (nodes) =>
			nodes.push(box('sefd', Buffer.alloc(999))),
		),
		verdict: 'good',
	},
	{
		recipe: edit('no-fragments.mp4', base.heavy, (nodes) => nodes.splice(2)),
		verdict: NO_FRAMES,
	},
	{
		recipe: edit('no-fragments-of-the-picture.mp4', base.heavy, (nodes) => {
			const [moof] = all(nodes, 'moof');
			moof.children = moof.children?.filter((_, at) => at !== 1);
		}),
		verdict: NO_FRAMES,
	},
	{
		recipe: edit('no-samples.mp4', base[25], (nodes) => {
			for (const type of ['stts', 'ctts', 'stss', 'stsc', 'stco']) {
				for (const list of all(nodes, type)) list.body = Buffer.alloc(8);
			}
			for (const stsz of all(nodes, 'stsz')) stsz.body = Buffer.alloc(12);
		}),
		verdict: NO_FRAMES,
	},
	{
		recipe: clip('encrypted.mp4', {
			as: '-encryption_scheme cenc-aes-ctr -encryption_key 76a6c65c5ea762046bd749a2e632ccbb -encryption_kid a7e61c373e219033c21091fa607bf3b8',
		}),
		verdict: ENCRYPTED,
	},
	{ recipe: renamed('fairplay.mp4', base[25], 'avc1', 'drmi'), verdict: ENCRYPTED },
];

const brands: Array<[major: string, other: string, verdict: Case['verdict']]> = [
	['3gp4', 'isom3gp4', 'good'],
	['3gp5', '3gp5isom', 'good'],
	['3g2a', '3g2amp42', 'good'],
	['f4v ', 'isomavc1', 'good'],
	['3gp4', '3gp4', { refused: /is of the kind "3gp4", it must be MP4 or MOV$/ }],
	['3g2a', '3g2a', { refused: /is of the kind "3g2a", it must be MP4 or MOV$/ }],
	['XAVC', 'XAVCmp42iso2', 'good'],
	['MSNV', 'MSNVisom', 'good'],
];

const kindCases: Case[] = [
	...brands.map(
		([major, others, verdict]): Case => ({
			recipe: edit(`brand-${major.trim()}-${others.replace(/ /g, '')}.mp4`, base[25], (nodes) => {
				nodes[0].body = Buffer.from(`${major}\0\0\x02\0${others}`, 'latin1');
				// As long as before, or the pictures would be elsewhere.
				nodes[1].body = Buffer.alloc(Math.max(0, 16 - others.length));
			}),
			verdict,
		}),
	),
];

const PQ = Buffer.from('\0\0\0\x13colrnclx\0\x09\0\x10\0\x09\0', 'latin1');
const HLG = Buffer.from('\0\0\0\x12colrnclc\0\x09\0\x12\0\x09', 'latin1');
const BT709 = Buffer.from('\0\0\0\x12colrnclc\0\x01\0\x01\0\x01', 'latin1');
const DOLBY = Buffer.from(`\0\0\0\x20dvvC${'\x01\0\x10\x25\x40'.padEnd(24, '\0')}`, 'latin1');

const codecCases: Case[] = [
	{ recipe: base.hevc, verdict: 'good' },
	{ recipe: described('hevc-bt709.mp4', base.hevc, BT709), verdict: 'good' },
	{ recipe: described('hevc-pq.mp4', base.hevc, PQ), verdict: { hint: /is HEVC with HDR, which/ } },
	{
		recipe: described('hevc-hlg.mp4', base.hevc, HLG),
		verdict: { hint: /is HEVC with HDR, which/ },
	},
	{
		recipe: described('hevc-dolby.mp4', base.hevc, Buffer.concat([HLG, DOLBY])),
		verdict: { hint: /is HEVC with Dolby Vision, which/ },
	},
	{
		recipe: renamed('dvh1.mp4', base.hevc, 'hvc1', 'dvh1'),
		verdict: { hint: /is HEVC with Dolby Vision, which/ },
	},
	{
		recipe: clip('hevc-10.mp4', {
			as: '-c:v libx265 -preset ultrafast -x265-params log-level=none -pix_fmt yuv420p10le',
		}),
		verdict: { hint: /is HEVC with 10 bits, which/ },
	},
	{
		recipe: clip('h264-10.mp4', { as: '-c:v libx264 -preset ultrafast -pix_fmt yuv420p10le' }),
		verdict: { hint: /is H\.264 High 10, which/ },
	},
	{
		recipe: clip('h264-422.mp4', { as: '-c:v libx264 -preset ultrafast -pix_fmt yuv422p' }),
		verdict: { hint: /is H\.264 High 4:2:2, which/ },
	},
	{ recipe: base.vp9, verdict: { hint: /is VP9, which/ } },
	// Our ffmpeg takes minutes for a second of AV1.
	{ recipe: renamed('av1.mp4', base.vp9, 'vp09', 'av01'), verdict: { hint: /is AV1, which/ } },
	{
		recipe: clip('prores.mov', { seconds: 3, rate: '24', as: '-c:v prores_ks -profile:v 0' }),
		verdict: { hint: /is Apple ProRes, which/ },
	},
	{
		recipe: clip('mpeg4.mp4', { seconds: 3, as: '-c:v mpeg4 -b:v 200k' }),
		verdict: { hint: /is MPEG-4 Visual, which/ },
	},
	{
		recipe: clip('mjpeg.mov', { seconds: 3, as: '-c:v mjpeg -pix_fmt yuvj420p -q:v 20' }),
		verdict: { hint: /is Motion JPEG, which/ },
	},
	{
		recipe: clip('png.mov', { seconds: 3, as: '-c:v png' }),
		verdict: { hint: /is of the codec "png", which/ },
	},
];

export const cases: Case[] = [
	...rateCases,
	...lengthCases,
	...wholeCases,
	...kindCases,
	...codecCases,
];

export const files = new Files([...Object.values(base), ...cases.map(({ recipe }) => recipe)]);

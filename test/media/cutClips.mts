import type { Node } from './boxes.mts';
import { all, box, lengthen64, parse, shift, toEnd, withoutBrand, write } from './boxes.mts';
import {
	AAC as QUIET_AAC,
	clip,
	edit,
	FAST,
	MPEG4,
	PRORES,
	remix,
	variable,
	words,
} from './clips.mts';
import type { Recipe } from './tools.mts';
import { Files } from './tools.mts';

/** Videos to cut parts out of: codecs, distances of key frames, and everything an index may be like. */

const x264 = (settings: string) => words(`-c:v libx264 -pix_fmt yuv420p -b:v 90k ${settings}`);
const x265 = (settings: string) =>
	words(`-c:v libx265 -preset ultrafast -b:v 90k -x265-params log-level=none:${settings}`);
/** Noise, so that no two packets are the same. */
const NOISE = ['-af', 'aeval=0.3*random(0),aformat=channel_layouts=mono'];
const AAC = [...QUIET_AAC, ...NOISE];
const flags = (names: string) => words(`-movflags ${names}`);

const codecs: Record<string, string[]> = {
	'every-frame.mp4': x264('-preset veryfast -g 1'),
	'gop-12.mp4': x264('-preset veryfast -g 12 -bf 0'),
	'gop-25-deep.mp4': x264('-preset medium -g 25 -bf 8 -b_strategy 0 -b-pyramid normal -refs 6'),
	'gop-200.mp4': x264('-preset veryfast -g 200 -bf 3 -sc_threshold 0'),
	'open.mp4': x264('-preset veryfast -g 20 -bf 3 -b_strategy 0 -x264-params open-gop=1'),
	'open-pyramid.mp4': x264(
		'-preset medium -g 25 -bf 5 -b_strategy 0 -b-pyramid normal -x264-params open-gop=1:scenecut=0',
	),
	'open-strict.mp4': x264(
		'-preset medium -g 25 -bf 5 -b_strategy 0 -b-pyramid strict -x264-params open-gop=1:bluray-compat=1',
	),
	'open-sixteen.mp4': x264(
		'-preset veryfast -g 40 -bf 16 -b_strategy 0 -x264-params open-gop=1:scenecut=0',
	),
	'interlaced.mp4': x264('-preset veryfast -flags +ildct+ilme -x264-params tff=1 -g 25 -s 160x96'),
	'refresh.mp4': x264('-preset veryfast -x264-params intra-refresh=1 -g 50 -bf 0'),
	'lossless.mp4': words('-c:v libx264 -preset ultrafast -qp 0 -g 30'),
	'slices.mp4': x264('-preset veryfast -slices 4 -coder 0 -g 25'),
	'444.mp4': words('-c:v libx264 -preset veryfast -pix_fmt yuv444p -g 25 -b:v 90k'),
	'hevc.mp4': [...x265('keyint=25'), '-tag:v', 'hvc1'],
	'hevc-hev1.mov': [...x265('keyint=30:bframes=4'), '-tag:v', 'hev1'],
	'hevc-closed.mp4': [...x265('keyint=25:open-gop=0'), '-tag:v', 'hvc1'],
	'hevc-radl.mp4': [...x265('keyint=30:radl=2:open-gop=0:bframes=3:b-adapt=0'), '-tag:v', 'hvc1'],
	'hevc-deep.mp4': [
		...x265('keyint=48:bframes=12:b-adapt=0:b-pyramid=1:scenecut=0:rc-lookahead=40'),
		'-tag:v',
		'hvc1',
	],
	'hevc-intra.mp4': [...x265('keyint=1'), '-tag:v', 'hvc1'],
	'hevc-long.mov': [...x265('keyint=250:bframes=3'), '-tag:v', 'hvc1'],
	'hevc-10.mov': [...x265('keyint=25'), '-pix_fmt', 'yuv420p10le', '-tag:v', 'hvc1'],
	'mpeg4-b.mp4': [...MPEG4, '-bf', '2', '-g', '15'],
	'xvid.mp4': words('-c:v libxvid -b:v 90k -g 20'),
	'mpeg2-open.mov': words('-c:v mpeg2video -b:v 200k -bf 2 -g 15'),
	'mpeg2-closed.mov': words(
		'-c:v mpeg2video -b:v 200k -bf 2 -g 15 -flags +cgop -sc_threshold 1000000000',
	),
	'mjpeg.mov': words('-c:v mjpeg -pix_fmt yuvj420p -q:v 20'),
	'prores.mov': PRORES,
	'dnxhr.mov': words('-c:v dnxhd -profile:v dnxhr_lb -pix_fmt yuv422p -s 320x180'),
	'qtrle.mov': words('-c:v qtrle -g 25'),
	'png.mov': words('-c:v png'),
	'raw.mov': words('-c:v rawvideo -pix_fmt uyvy422 -s 64x36'),
	'vp9.mp4': words('-c:v libvpx-vp9 -deadline realtime -cpu-used 8 -b:v 60k -g 30'),
	'av1.mp4': words('-c:v libaom-av1 -strict -2 -cpu-used 8 -s 64x36 -g 20 -b:v 40k'),
	'rgb.mov': words('-c:v libx264rgb -preset ultrafast -g 25'),
};

const sounds: Record<string, string[]> = {
	'aac.mp4': QUIET_AAC,
	'mp3.mp4': words('-c:a libmp3lame -b:a 64k'),
	'ac3.mp4': words('-c:a ac3 -b:a 96k'),
	'eac3.mp4': words('-c:a eac3 -b:a 96k'),
	'alac.mov': words('-c:a alac'),
	'opus.mp4': words('-c:a libopus -b:a 48k -strict -2 -ar 48000'),
	'flac.mp4': words('-c:a flac -strict -2'),
	'pcm.mov': words('-c:a pcm_s16le -ac 2'),
	'pcm-24.mov': words('-c:a pcm_s24be -ar 48000'),
	'float.mov': words('-c:a pcm_f32le -ar 96000'),
	'ima4.mov': words('-c:a adpcm_ima_qt -ac 2'),
	'ulaw.mov': words('-c:a pcm_mulaw -ar 8000'),
};

const fragmented: Record<string, string> = {
	keyframes: 'frag_keyframe+empty_moov',
	base: 'frag_keyframe+empty_moov+default_base_moof',
	dash: 'dash',
	late: 'frag_keyframe+delay_moov',
	hybrid: 'frag_keyframe',
	separate: 'frag_keyframe+empty_moov+separate_moof',
	omitted: 'frag_keyframe+empty_moov+omit_tfhd_offset',
	bare: 'frag_keyframe+empty_moov+skip_trailer',
	indexed: 'dash+global_sidx',
	'every-frame': 'frag_every_frame+empty_moov',
};

const GOP_25 = x264('-preset veryfast -g 25 -bf 2');

export const recipes: Recipe[] = [
	...Object.entries(codecs).map(([name, codec]) =>
		clip(name, {
			codec,
			rate: name.includes('hev1') ? '30000/1001' : '25',
			seconds: /200|long/.test(name) ? 18 : /av1|png|raw|prores/.test(name) ? 4 : 9,
		}),
	),
	...Object.entries(sounds).map(([name, audio]) =>
		clip(`sound-${name}`, { codec: GOP_25, audio: [...audio, ...NOISE], seconds: 8 }),
	),
	...['24000/1001', '30000/1001', '60000/1001', '15', '50'].map((rate) =>
		clip(`rate-${rate.replace('/', '-')}.mp4`, { rate, codec: GOP_25, audio: AAC, seconds: 8 }),
	),
	...Object.entries(fragmented).map(([name, names]) =>
		clip(`fragments-${name}.mp4`, { codec: GOP_25, audio: AAC, seconds: 8, more: flags(names) }),
	),
	clip('fragments-open.mp4', {
		codec: codecs['open.mp4'],
		audio: AAC,
		seconds: 8,
		more: flags(fragmented.base),
	}),
	clip('fragments-hevc.mov', {
		codec: codecs['hevc.mp4'],
		audio: AAC,
		seconds: 8,
		more: flags(fragmented.keyframes),
	}),
	clip('fragments-timed.mp4', {
		codec: GOP_25,
		audio: AAC,
		seconds: 8,
		more: words('-movflags empty_moov -frag_duration 300000'),
	}),

	clip('heavy.mov', {
		size: '320x180',
		codec: words(
			'-c:v libx264 -preset ultrafast -pix_fmt yuv420p -g 25 -b:v 3M -minrate 3M -nal-hrd cbr -maxrate 3M -bufsize 3M',
		),
		// As long as the picture, to the tick.
		audio: words('-c:a pcm_s16le -ar 48000'),
		seconds: 8,
	}),
	clip('front.mp4', { codec: GOP_25, audio: AAC, seconds: 8, more: FAST }),
	clip('negative.mp4', {
		codec: GOP_25,
		audio: AAC,
		seconds: 8,
		more: flags('negative_cts_offsets'),
	}),
	clip('negative-open.mp4', {
		codec: codecs['open-pyramid.mp4'],
		seconds: 8,
		more: flags('negative_cts_offsets'),
	}),
	clip('upright.mov', { codec: GOP_25, audio: AAC, seconds: 6 }),
	...['90', '180', '270'].map((turn) =>
		remix(
			`turned-${turn}.mov`,
			['upright.mov'],
			`-i @0 -c copy -metadata:s:v:0 rotate=${turn} -metadata:s:a:0 language=ger`,
		),
	),
	clip('colour.mp4', {
		codec: GOP_25,
		seconds: 6,
		more: words(
			'-color_primaries bt2020 -color_trc arib-std-b67 -colorspace bt2020nc -movflags write_colr -aspect 4:3',
		),
	}),
	remix('cut.mp4', ['front.mp4'], '-ss 1.7 -i @0 -c copy'),
	remix('cut.mov', ['rate-24000-1001.mp4'], '-ss 1.3 -i @0 -c copy'),
	remix('cut-short.mp4', ['front.mp4'], '-ss 0.5 -i @0 -t 5.2 -c copy -movflags +faststart'),
	remix(
		'late-sound.mp4',
		['gop-12.mp4', 'front.mp4'],
		'-i @0 -itsoffset 2.4 -i @1 -map 0:v -map 1:a -c copy -t 7',
	),
	remix(
		'late-video.mp4',
		['front.mp4', 'gop-12.mp4'],
		'-i @0 -itsoffset 1.5 -i @1 -map 1:v -map 0:a -c copy',
	),
	remix(
		'short-sound.mp4',
		['gop-12.mp4', 'cut-short.mp4'],
		'-i @0 -i @1 -map 0:v -map 1:a -c copy',
	),
	remix('sound-first.mov', ['front.mp4'], '-i @0 -map 0:a -map 0:v -map 0:a -c copy'),
	remix('two-videos.mp4', ['front.mp4', 'gop-12.mp4'], '-i @0 -i @1 -map 0 -map 1 -c copy'),
	remix('timecode.mov', ['gop-12.mp4'], '-i @0 -c copy -timecode 01:00:00:00'),
	variable('variable.mp4', { from: 50, to: 80, frames: 200 }, GOP_25),

	edit('long-mdat.mp4', 'sound-aac.mp4', (bytes) => {
		const nodes = parse(bytes);
		all(nodes, 'mdat')[0].size = 'long';
		shift(nodes, 8);
		return write(nodes);
	}),
	edit('mdat-to-end.mp4', 'front.mp4', toEnd),
	edit('old-quicktime.mov', 'sound-pcm.mov', withoutBrand),
	edit('long-offsets.mp4', 'sound-aac.mp4', (bytes) => lengthen64(parse(bytes), 'stco')),
	edit('long-times.mov', 'turned-90.mov', (bytes) => lengthen64(parse(bytes), 'times')),
	edit('long-edits.mp4', 'sound-aac.mp4', (bytes) => lengthen64(parse(bytes), 'elst')),
	edit('two-edits.mp4', 'sound-aac.mp4', (bytes) => {
		const nodes = parse(bytes);
		// The first 2 s, then on from the fourth second: a second and a half is left out.
		for (const trak of all(nodes, 'trak')) editTrack(trak, [2000, 0], [3000, 3.52]);
		return write(nodes);
	}),
	edit('repeated.mp4', 'gop-12.mp4', (bytes) => {
		const nodes = parse(bytes);
		for (const trak of all(nodes, 'trak')) editTrack(trak, [2000, 4], [4000, 2]);
		return write(nodes);
	}),
	edit('small-sizes.mp4', 'gop-12.mp4', (bytes) => {
		const nodes = parse(bytes);
		for (const stsz of all(nodes, 'stsz')) compact(stsz);
		return write(nodes);
	}),
	edit('groups.mp4', 'open.mp4', (bytes) => {
		const nodes = parse(bytes);
		for (const stbl of all(nodes, 'stbl')) groupSync(stbl);
		return write(nodes);
	}),
	edit('old-sound.mov', 'sound-pcm.mov', (bytes) => {
		const nodes = parse(bytes);
		// As QuickTime wrote it once: the size of each sample of sound is 1, whatever it is.
		for (const { body } of all(nodes, 'stsz'))
			if (body.readUInt32BE(4) > 0) body.writeUInt32BE(1, 4);
		return write(nodes);
	}),
];

/** A new edit list: milliseconds, and the second of the track where each begins. */
function editTrack(trak: Node, ...edits: Array<[milliseconds: number, seconds: number]>): void {
	const [mdhd] = all([trak], 'mdhd');
	const timescale = mdhd.body.readUInt32BE(12);
	const [elst] = all([trak], 'elst');
	const first = elst ? elst.body.readInt32BE(12) : 0;
	const body = Buffer.alloc(8 + edits.length * 12);
	body.writeUInt32BE(edits.length, 4);
	edits.forEach(([milliseconds, seconds], at) => {
		body.writeUInt32BE(milliseconds, 8 + at * 12);
		body.writeInt32BE(first + seconds * timescale, 12 + at * 12);
		body.writeUInt32BE(0x10000, 16 + at * 12);
	});
	const others = (trak.children ?? []).filter(({ type }) => type !== 'edts');
	trak.children = [
		others[0],
		{ ...box('edts'), children: [box('elst', body)] },
		...others.slice(1),
	];
}

/** The list of sizes with 16 bits each. */
function compact(stsz: Node): void {
	const count = stsz.body.readUInt32BE(8);
	const body = Buffer.alloc(12 + count * 2);
	body.writeUInt32BE(16, 4);
	body.writeUInt32BE(count, 8);
	for (let at = 0; at < count; at++) {
		body.writeUInt16BE(stsz.body.readUInt32BE(12 + at * 4), 12 + at * 2);
	}
	stsz.type = 'stz2';
	stsz.body = body;
}

/** Names all sync samples but the first in a sample group, as MP4Box does for open GOPs. */
function groupSync(stbl: Node): void {
	const [stss] = all([stbl], 'stss');
	const entries: Array<[number, number]> = [];
	let next = 1;
	for (let at = 12; at < stss.body.length; at += 4) {
		const sample = stss.body.readUInt32BE(at);
		entries.push([sample - next, 0], [1, 1]);
		next = sample + 1;
	}
	stss.body = Buffer.concat([Buffer.from([0, 0, 0, 0, 0, 0, 0, 1]), stss.body.subarray(8, 12)]);
	const sbgp = Buffer.alloc(12 + entries.length * 8);
	sbgp.write('rap ', 4, 'latin1');
	sbgp.writeUInt32BE(entries.length, 8);
	entries.forEach(([count, group], at) => {
		sbgp.writeUInt32BE(count, 12 + at * 8);
		sbgp.writeUInt32BE(group, 16 + at * 8);
	});
	const sgpd = Buffer.from('\x01\0\0\0rap \0\0\0\x01\0\0\0\x01\0', 'latin1');
	stbl.children?.push(box('sgpd', sgpd), box('sbgp', sbgp));
}

export const cutClips = new Files(recipes);

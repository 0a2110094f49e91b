import { built } from '../engine/haste.mts';
import type * as Binary from '../../nodes/shared/media/binarySource.ts';
import type * as Fault from '../../nodes/shared/media/fault.ts';
import type * as View from '../../nodes/shared/media/fileView.ts';
import type * as Copy from '../../nodes/KlingV2vGenerate/media/cut/copy.ts';
import type * as IndexReader from '../../nodes/KlingV2vGenerate/media/cut/indexReader.ts';
import type * as PlanCut from '../../nodes/KlingV2vGenerate/media/cut/planCut.ts';
import type * as Http from '../../nodes/KlingV2vGenerate/media/httpSource.ts';
import type * as Image from '../../nodes/KlingV2vGenerate/media/image.ts';
import type * as Limits from '../../nodes/KlingV2vGenerate/media/limits.ts';
import type * as Source from '../../nodes/shared/media/source.ts';
import type * as Video from '../../nodes/shared/media/video.ts';

/** The media reader as it is in the built package. */

export type { ByteSource } from '../../nodes/shared/media/source.ts';
export type { MediaFault } from '../../nodes/shared/media/fault.ts';
export type { VideoFacts } from '../../nodes/shared/media/video.ts';
export type { ImageFacts } from '../../nodes/KlingV2vGenerate/media/image.ts';

export type { Cut } from '../../nodes/KlingV2vGenerate/media/cut/planCut.ts';

export { timing } from '../engine/haste.mts';

export const { readVideo } = built<typeof Video>('shared/media/video');
export const { bufferSource } = built<typeof Source>('shared/media/source');

const image = built<typeof Image>('KlingV2vGenerate/media/image');

/** Reads an image from anywhere, its bytes alone included. */
export async function readImage(source: Source.ByteSource | Buffer) {
	return await image.readImage(Buffer.isBuffer(source) ? bufferSource(source) : source);
}

export const { httpSource } = built<typeof Http>('KlingV2vGenerate/media/httpSource');
export const { binarySource, storedSource } = built<typeof Binary>('shared/media/binarySource');
export const { isFault } = built<typeof Fault>('shared/media/fault');
export const { allowance } = built<typeof View>('shared/media/fileView');
export const { videoProblems, imageProblems, mediaHints, videoLimits, imageLimits } = built<
	typeof Limits
>('KlingV2vGenerate/media/limits');

export const { planCut } = built<typeof PlanCut>('KlingV2vGenerate/media/cut/planCut');
export const { CutInterrupted } = built<typeof Copy>('KlingV2vGenerate/media/cut/copy');
export const { allowance: cutAllowance } = built<typeof IndexReader>(
	'KlingV2vGenerate/media/cut/indexReader',
);

/** A source that keeps count of what is read from it. */
export function counted(source: Source.ByteSource) {
	const count = {
		reads: 0,
		bytes: 0,
		get size() {
			return source.size;
		},
		async read(offset: number, length: number) {
			count.reads++;
			const found = await source.read(offset, length);
			count.bytes += Buffer.isBuffer(found) ? found.length : 0;
			return found;
		},
	};
	return count;
}

import path from 'node:path';
import type * as Binary from '../../nodes/shared/media/binarySource.ts';
import type * as Fault from '../../nodes/shared/media/fault.ts';
import type * as View from '../../nodes/shared/media/fileView.ts';
import type * as Http from '../../nodes/shared/media/httpSource.ts';
import type * as Image from '../../nodes/shared/media/image.ts';
import type * as Limits from '../../nodes/shared/media/limits.ts';
import type * as Source from '../../nodes/shared/media/source.ts';
import type * as Video from '../../nodes/shared/media/video.ts';

/** The media reader as it is in the built package. */

export type { ByteSource } from '../../nodes/shared/media/source.ts';
export type { MediaFault } from '../../nodes/shared/media/fault.ts';
export type { VideoFacts } from '../../nodes/shared/media/video.ts';
export type { ImageFacts } from '../../nodes/shared/media/image.ts';

function built<Module>(name: string): Module {
	return require(path.join(process.cwd(), 'dist/nodes/shared/media', name)) as Module;
}

export const { readVideo } = built<typeof Video>('video');
export const { readImage } = built<typeof Image>('image');
export const { bufferSource } = built<typeof Source>('source');
export const { httpSource, patience } = built<typeof Http>('httpSource');
export const { binarySource, storedSource } = built<typeof Binary>('binarySource');
export const { isFault } = built<typeof Fault>('fault');
export const { allowance } = built<typeof View>('fileView');
export const { videoProblems, imageProblems, mediaHints, videoLimits, imageLimits } =
	built<typeof Limits>('limits');

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

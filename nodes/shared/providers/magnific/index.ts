import type { Provider } from '../provider';
import * as api from './api';
import { parameters, trigger } from './parameters';

/** Magnific: "Kling 3 Omni - Video-to-video generation", one endpoint with a path for each mode. */
export const magnific: Provider = {
	name: 'magnific',
	isDefault: true,
	label: api.LABEL,
	description: 'Formerly the Freepik API',
	searchTerms: ['Magnific', 'Freepik'],
	credential: 'magnificApi',

	parameters,
	rules: () => [],
	references: api.references,
	seconds: api.seconds,
	longestReference: { max: 10, tolerance: 0.1 },
	limitsImageRatio: false,

	endpoints: api.endpoints,
	createPath: api.createPath,
	statusPath: api.statusPath,
	listPath: api.TASKS_PATH,
	upload: api.upload,
	callback: api.callback,

	readCreated: api.readCreated,
	readTask: api.readTask,
	readList: api.readList,
	readProblem: api.readProblem,
	noLinkReason:
		'the task is completed, but has no link to a video (typically the safety filter held it back)',

	trigger,
	readCallback: api.readCallback,
};

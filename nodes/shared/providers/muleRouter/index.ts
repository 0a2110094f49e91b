import type { Provider } from '../provider';
import * as api from './api';
import { parameters, trigger } from './parameters';

/** MuleRouter: three Kling V3 Omni endpoints, each of which creates and keeps its own tasks. */
export const muleRouter: Provider = {
	name: 'muleRouter',
	label: api.LABEL,
	searchTerms: ['MuleRouter'],
	credential: 'muleRouterApi',

	parameters,
	rules: api.rules,
	references: api.references,
	seconds: api.seconds,
	longestReference: api.LONGEST_REFERENCE,
	limitsImageRatio: true,

	endpoints: api.endpoints,
	createPath: api.createPath,
	statusPath: api.statusPath,

	readCreated: api.readCreated,
	readTask: api.readTask,
	readProblem: api.readProblem,
	noLinkReason: 'the task is completed, but has no link to a video',

	trigger,
	readCallback: api.readCallback,
};

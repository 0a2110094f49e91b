/** How to give n8n an address that the internet can reach: both names of the variable, as n8n has renamed it. */
export const PUBLIC_ADDRESS_ADVICE =
	"set n8n's environment variable N8N_WEBHOOK_URL (in older versions WEBHOOK_URL) to its public address";

# Runs before every user's own script: what the filter found to be junk goes to Junk. The filter says so in two ways: by the header where all recipients of a
# message agree, by the address extension "junk" where only this one's settings say so. It removes such headers from incoming mail, so they are to be trusted.
require ["envelope", "fileinto", "mailbox", "subaddress"];

if anyof (header :is "X-Spam" "Yes", envelope :detail :is "to" "junk") {
	fileinto :create "Junk";
	stop;
}

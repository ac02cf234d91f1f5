// Package jamf reads computers with their applications, and mobile devices, from
// Jamf Pro.
//
// What to create at Jamf Pro, 10.49 or later: under Settings > System > API roles
// and clients a role with the privileges "Read Computers" and "Read Mobile
// Devices", of which each stream needs its own alone; then an API client with
// this role, enabled, and its secret. An older server, or one without API
// clients, takes the user name and password of a standard account with the same
// privileges; accounts of single sign-on cannot be used
// (https://developer.jamf.com/jamf-pro/docs/client-credentials).
//
// Jamf numbers its pages. They are read in the order of the ids, so that what is
// enrolled during a read comes at its end. What is deleted during a read moves the
// records behind it forward by one, so that it can miss a record, which the next
// one brings; that is why a read that was interrupted begins anew.
//
// A read since a time asks for the computers whose inventory report (reportDate)
// is newer. A change that an administrator makes in Jamf Pro shows with the next
// report, or with the next full read.
//
// The interface is documented at
// https://developer.jamf.com/jamf-pro/reference/jamf-pro-api and on each server
// under /api/doc.
package jamf

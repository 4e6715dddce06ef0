// The words of the place to enter a key, in Hindi.
export default {
  label: "कुंजी",
  use: "यह कुंजी इस्तेमाल करें",
  kept: "यह टैब बंद होने तक आपकी कुंजी याद रखता है।",
  malformed: "यह कुंजी नहीं है। इसे पूरा कॉपी करें, बिना ख़ाली जगह के।",
};
